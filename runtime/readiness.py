"""How a service shows that it is up, as its warden is told: addresses taken apart, modules there.

A warden imports nothing once it is forked, because a command may remake the very installation that
orch runs from.
"""

from orch.compiler.plan import PlannedStage
from orch.dsl.type_names import Any, Iterable, Mapping

_PORTS = {"http": 80, "https": 443}
_KEPT_IN_TARGETS = "%/:?#[]@!$&'()*+,;=~"


def readiness(service: PlannedStage) -> Mapping[str, Any]:
    """`{"kind": "started"}` where it is ready once it has started; else its `ready`, and for an
    address what is asked there: `host`, `port`, `target`, `authority`, `is_tls`.

    Raises ValueError, with a sentence for people, for what is no address.
    """
    if service.ready is None:
        return {"kind": "started"}
    if service.ready["kind"] != "http":
        return service.ready
    return {**service.ready, **_asked_at(service.ready["url"])}


def _asked_at(url: str) -> Mapping[str, Any]:
    from urllib.parse import quote, urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        asked = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:
        raise ValueError(f"`{url}` is no address: {error}") from None
    if not asked or parts.scheme not in _PORTS:
        raise ValueError(f"`{url}` is no address: it names no host")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return {
        "host": asked,
        "port": _PORTS[parts.scheme] if port is None else port,
        "target": quote(target, safe=_KEPT_IN_TARGETS),
        "authority": quote(parts.netloc.rpartition("@")[2], safe=_KEPT_IN_TARGETS),
        "is_tls": parts.scheme == "https",
    }


def import_what_probes_need(stages: Iterable[PlannedStage]) -> None:
    """Called before any warden is forked that could own one of the stages."""
    services = [stage for stage in stages if stage.kind == "service" and stage.skip is None]
    if not services:
        return
    import orch.runtime.probe  # noqa: F401  For the wardens that will be forked.

    if any(str((s.ready or {}).get("url", "")).startswith("https:") for s in services):
        import ssl  # noqa: F401  As above, nothing later.
