"""The page that a person sees who opens the service's address."""

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from anchors.core.encoding import encode_hex
from ledger_service.http.services import services_of

router = APIRouter(include_in_schema=False)

_LINKS = (
    ("/log/checkpoint", "the newest signed checkpoint 检查点"),
    ("/v1/heads", "heads that the contract took 链上见证"),
    ("/v1/institutions", "institutions and their keys 机构与密钥"),
    ("/v1/registry", "the registry's changes 注册表变更"),
    ("/readyz", "whether it can accept and witness now 就绪状态"),
    ("/metrics", "figures for Prometheus 指标"),
    ("/openapi.json", "the API, described 接口描述"),
)


@router.get("/", response_class=HTMLResponse)
def index(request: Request) -> str:
    """What this is, and where to look."""
    services = services_of(request)
    links = "".join(f'<li><a href="{path}">{path}</a> {escape(what)}</li>' for path, what in _LINKS)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Huzheng 互证</title>
<style>body{{font:16px/1.6 system-ui,sans-serif;max-width:46em;margin:3em auto;padding:0 1em;color:#123}}
code{{font-size:.85em;overflow-wrap:anywhere}}li{{margin:.3em 0}}a{{color:#065}}</style>
<h1>Huzheng 互证</h1>
<p>The audit ledger <b>{escape(services.origin)}</b> for the mutual recognition of medical results
（检查检验结果互认存证账本）. Do not believe this page: verify a proof with <code>huzheng verify</code> and a
trust file that you made from a node of the chain (<code>huzheng chain trust</code>) or got from somebody you trust.</p>
<p>Log id <code>{encode_hex(services.domain.log)}</code><br>chain {services.domain.chain_id}, registry
<code>{encode_hex(services.domain.registry)}</code>, witness <code>{encode_hex(services.witness)}</code></p>
<ul>{links}</ul></html>"""
