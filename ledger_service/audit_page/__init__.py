"""An audit's result as a page for people: one HTML file in Chinese and English (docs/AUDIT.md, The report).

The page is a function of the result and the trust file. It holds no script and names nothing outside itself; whatever a
ledger says stands in it as text.
"""

from ledger_service.audit_page.make import make_page

__all__ = ["make_page"]
