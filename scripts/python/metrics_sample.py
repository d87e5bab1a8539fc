# Metrics of the script's own, all metrics of the gateway, and events.
import time

from NSCP import Registry, log, log_debug

started = time.monotonic()
events = 0


def own_metrics():
    return {
        "metrics_python.uptime": round(time.monotonic() - started, 1),
        "metrics_python.events": events,
        "metrics_python.state": "ok",
    }


def all_metrics(metrics, _):
    log_debug("%d metrics were collected" % len(metrics))


def on_event(event, data):
    global events
    events += 1
    log("%s: %s" % (event, data))


def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    registry.fetch_metrics(own_metrics)
    registry.submit_metrics(all_metrics)
    registry.event("*", on_event)
