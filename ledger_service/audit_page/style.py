"""How the page looks: on a screen of any width, and on A4."""

STYLE = """
:root { --ink: #1a1a1a; --soft: #52585f; --rule: #c9d0d8; --shade: #f3f5f8; --accent: #1f3a5f; --bar: #3f6797;
  --good: #17603a; --bad: #a61c1c; --open: #7a5a00; --waiting: #c79a2b; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 28px 24px 40px; max-width: 940px; color: var(--ink); background: #fff;
  font: 15px/1.6 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC",
  sans-serif; }
[lang=en] { color: var(--soft); font-size: .86em; }
h1 { margin: 0; font-size: 27px; line-height: 1.3; color: var(--accent); }
h1 [lang=en] { display: block; font-size: 15px; font-weight: normal; }
h2 { margin: 38px 0 10px; padding-bottom: 5px; border-bottom: 2px solid var(--accent); font-size: 19px;
  line-height: 1.35; color: var(--accent); }
h2 [lang=en] { font-size: 14px; font-weight: normal; margin-left: .3em; }
h3 { margin: 22px 0 6px; font-size: 15.5px; color: var(--accent); }
h3 [lang=en] { font-weight: normal; }
p { margin: 6px 0; }
p.said > [lang=en], #unseen ~ ul [lang=en], .verdict > * > [lang=en] { display: block; }
a { color: var(--accent); }
.said { color: var(--ink); max-width: 62em; }
code { font: .88em/1.5 ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.origin { margin: 8px 0 0; font-size: 16px; }
.asof { margin: 2px 0 0; color: var(--soft); font-size: 14px; }
.verdict { margin: 20px 0; padding: 14px 18px; border: 1px solid; border-left-width: 8px; border-radius: 3px; }
.verdict strong { display: block; font-size: 21px; line-height: 1.4; }
.verdict strong [lang=en] { font-size: 14px; letter-spacing: .02em; color: inherit; }
.verdict p { color: var(--ink); }
.holds { border-color: var(--good); background: #f1f7f3; } .holds strong, .VERIFIED { color: var(--good); }
.differs { border-color: var(--bad); background: #fcf2f2; } .differs strong, .FAILED { color: var(--bad); }
.NOT_CHECKED { color: var(--open); }
.VERIFIED, .FAILED, .NOT_CHECKED { font-weight: 600; white-space: nowrap; }
.VERIFIED [lang=en], .FAILED [lang=en], .NOT_CHECKED [lang=en] { color: inherit; font-weight: normal; display: block; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 8px; margin: 14px 0; }
.tile { padding: 9px 12px; background: var(--shade); border-radius: 3px; }
.tile b { display: block; font-size: 21px; line-height: 1.35; font-variant-numeric: tabular-nums; }
.tile span[lang] { display: block; line-height: 1.35; font-size: 13px; } .tile span[lang=en] { font-size: 12px; }
.tile b [lang] { font-size: inherit; line-height: inherit; color: inherit; }
.tile b [lang=en] { font-size: 13px; font-weight: normal; }
.tile.bad b { color: var(--bad); } .tile.open b { color: var(--open); }
.wide { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; background: var(--shade); color: var(--accent); line-height: 1.35; }
th [lang=en] { display: block; font-weight: normal; }
th, td { padding: 6px 9px; border-bottom: 1px solid var(--rule); vertical-align: top; }
th.number { text-align: right; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td svg { display: block; margin-top: 5px; min-width: 70px; }
td .about { display: block; margin-top: 1px; color: var(--soft); font-size: 13px; line-height: 1.45; }
.where { display: block; }
.small table { width: auto; min-width: 45%; }
.steps td:last-child { white-space: nowrap; }
.steps .some { display: block; } .steps .bad { color: var(--bad); } .steps .open { color: var(--open); }
.bars td:last-child { width: 40%; } .bars td { white-space: nowrap; }
.found td:nth-child(2) { min-width: 150px; } .found td:last-child { min-width: 260px; }
dl { display: grid; grid-template-columns: max-content 1fr; margin: 8px 0; font-size: 14px; }
dt, dd { margin: 0; padding: 5px 9px 5px 0; border-bottom: 1px solid var(--rule); }
dt { color: var(--accent); padding-right: 22px; }
dd { overflow-wrap: anywhere; }
.counted { columns: 3 210px; column-gap: 26px; margin: 8px 0; padding: 0; list-style: none; font-size: 13.5px; }
.counted li { display: flex; justify-content: space-between; gap: 10px; break-inside: avoid;
  border-bottom: 1px solid var(--rule); padding: 3px 0; }
.counted b { font-weight: 600; font-variant-numeric: tabular-nums; }
.columns { display: flex; margin: 10px 0 2px; }
svg { overflow: visible; } .scale { flex: none; } .plot { flex: 1; min-width: 0; }
svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.bar { fill: var(--bar); } .grid { stroke: var(--rule); stroke-width: 1; } .fault { fill: var(--bad); }
.warning { fill: var(--waiting); }
.strip { display: block; margin: 10px 0 6px; overflow: hidden; border-radius: 3px; }
.final { fill: #2f7a50; } .witnessed { fill: #8fbf9f; }
.pending { fill: var(--waiting); } .missing { fill: var(--bad); }
.key { margin: 4px 0; padding: 0; list-style: none; font-size: 13.5px; display: flex; flex-wrap: wrap; gap: 4px 22px; }
.key svg { width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; }
.none { padding: 10px 14px; background: var(--shade); border-radius: 3px; }
.data { columns: 4 150px; column-gap: 26px; }
.data table { font-size: 12.5px; } .data td { padding: 2px 6px; } .data tr { break-inside: avoid; }
footer { margin-top: 36px; padding-top: 10px; border-top: 1px solid var(--rule); font-size: 13px; color: var(--soft); }
@media (max-width: 560px) {
  body { padding: 18px 14px 30px; font-size: 14.5px; } h1 { font-size: 23px; } h2 { font-size: 17.5px; }
  dl { grid-template-columns: 1fr; } dt { border: 0; padding-bottom: 0; }
  th, td { padding: 5px 7px; }
  .steps td:first-child, .steps th:first-child, .found td:nth-child(4), .found th:nth-child(4) { display: none; }
  .bars td { white-space: normal; }
  .found td:nth-child(2) { min-width: 96px; } .found td:last-child { min-width: 190px; }
}
@page { size: A4; margin: 15mm 14mm 16mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  h2 { margin-top: 20pt; } h2, h3 { break-after: avoid; }
  .verdict, .tiles, .columns, .strip, tr, dt, dd { break-inside: avoid; }
  .wide { overflow: visible; } table, dl { font-size: 9pt; } thead { display: table-header-group; }
  .found td:last-child, .found td:nth-child(2) { min-width: 0; } .bars td { white-space: normal; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: 5px; } .tiles.four { grid-template-columns: repeat(4, 1fr); }
  dd code { font-size: 7.4pt; }
  .tile { padding: 7px 8px; } .tile b { font-size: 13pt; }
}
"""
