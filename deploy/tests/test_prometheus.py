"""Alert rules and dashboard: they fire when they should, and ask for metrics that there are."""

import json
import re
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

import yaml

from deploy.tests import metrics
from deploy.tests.support import DEPLOY, program, run

FOLDER = DEPLOY / "prometheus"
DASHBOARD = json.loads((DEPLOY / "grafana/multihomed.json").read_text())


def rules() -> list[dict]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panel_queries() -> Iterator[tuple[str, str]]:
    """Each panel's title and query."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def variable_queries() -> Iterator[tuple[str, str]]:
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def every_query() -> list[tuple[str, str]]:
    return [(rule["alert"], rule["expr"]) for rule in rules()] + [*panel_queries(), *variable_queries()]


class Alerts(unittest.TestCase):
    def test_their_unit_tests_pass(self) -> None:
        run(*program("usr/bin/promtool"), "test", "rules", "alerts.test.yaml", cwd=FOLDER)

    def test_each_is_provoked_once_and_once_not(self) -> None:
        tests = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())["tests"]
        checks = [check for test in tests for check in test["alert_rule_test"]]
        fired = {check["alertname"] for check in checks if check["exp_alerts"]}
        quiet = {check["alertname"] for check in checks if not check["exp_alerts"]}
        alerts = {rule["alert"] for rule in rules()}
        self.assertEqual(fired, alerts)
        self.assertEqual(quiet, alerts)

    def test_each_says_what_to_do_and_how_urgent_it_is(self) -> None:
        for rule in rules():
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
            self.assertEqual(set(rule["annotations"]), {"summary", "description"}, rule["alert"])


def value_of(title: str, series: dict[str, str]) -> float:
    """What a panel of one number shows after half an hour in which series went as promtool is told."""
    query = re.sub(r'=~"\$\w+"', '=~".*"', dict(panel_queries())[title])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(yaml.safe_dump(
            {"groups": [{"name": "panel", "rules": [{"record": "panel", "expr": query}]}]}))
        (folder / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [{
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            # Of a value that it does not have, promtool says which it has.
            "promql_expr_test": [{"expr": "panel", "eval_time": "30m", "exp_samples": [{"labels": "panel", "value": -1}]}],
        }]}))
        said = run(*program("usr/bin/promtool"), "test", "rules", "test.yaml", cwd=folder, status=1)
    found = re.search(r'got:\s*\[?\s*(?:Labels:)?.*?(?:Value:|\s)([-+.\deE]+)\]?\s*$', said, re.M)
    if not found:
        raise AssertionError(f"{title} shows nothing:\n{said}")
    return float(found[1])


class Dashboard(unittest.TestCase):
    def test_what_was_lost_is_shown_though_one_kind_of_loss_has_no_series(self) -> None:
        dropped = {'multihomed_dropped_datagrams_total{relay="game", reason="hop_limit"}': "0+60x40"}
        self.assertAlmostEqual(value_of("Lost, 5 minutes", dropped), 300)
        queues = {'multihomed_upstream_queue_drops_total{relay="game"}': "0+60x40"}
        self.assertAlmostEqual(value_of("Lost, 5 minutes", queues), 300)
        self.assertEqual(value_of("Lost, 5 minutes", {"other": "1x40"}), 0)

    def test_listeners_that_are_down_are_counted_and_relays_that_have_none(self) -> None:
        limit = {f'multihomed_session_limit{{job="j", instance="a", relay="{relay}"}}': "9x40" for relay in ("game", "voice")}
        up = 'multihomed_listener_up{job="j", instance="a", relay="game", address="192.0.2.1", port="5678"}'
        down = 'multihomed_listener_up{job="j", instance="a", relay="game", address="192.0.2.2", port="5678"}'
        voice = up.replace("game", "voice")
        self.assertEqual(value_of("Listeners down", {**limit, up: "1x40", voice: "1x40"}), 0)
        self.assertEqual(value_of("Listeners down", {**limit, up: "1x40", down: "0x40", voice: "1x40"}), 1)
        self.assertEqual(value_of("Listeners down", {**limit, up: "1x40", voice: "1x5 0 0 stale"}), 1)

    def test_each_query_is_of_the_job_that_is_chosen(self) -> None:
        for title, query in [*panel_queries(), *variable_queries()]:
            if title == "job":
                continue
            for matchers in re.findall(rf"\b{metrics.NAME}(\{{[^}}]*\}})?", query):
                self.assertIn('job=~"$job"', matchers, title)

    def test_no_window_is_too_short_for_how_often_is_scraped(self) -> None:
        for title, query in [*panel_queries(), *variable_queries()]:
            self.assertLessEqual(set(re.findall(r"\[([^]]*)\]", query)), {"$__rate_interval", "5m"}, title)

    def test_prometheus_can_parse_each_query(self) -> None:
        queries = [query for _, query in panel_queries()]
        for query in queries:
            text = query.replace("$__rate_interval", "5m")
            self.assertIn("SUCCESS", run(*program("usr/bin/promtool"), "check", "rules", "/dev/stdin",
                                         input=yaml.safe_dump({"groups": [{"name": "panel", "rules": [
                                             {"record": "panel", "expr": text}]}]})))

    def test_panels_have_names_of_their_own_and_do_not_overlap(self) -> None:
        taken: set[tuple[int, int]] = set()
        identities = [panel["id"] for panel in DASHBOARD["panels"]]
        self.assertEqual(len(identities), len(set(identities)))
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells

    def test_each_variable_that_is_used_is_there(self) -> None:
        text = json.dumps(DASHBOARD)
        for variable in ("datasource", "job", "instance", "relay"):
            self.assertIn(variable, {known["name"] for known in DASHBOARD["templating"]["list"]})
            self.assertTrue(f"${variable}" in text or f"${{{variable}}}" in text)


class Names(unittest.TestCase):
    def test_each_query_asks_for_metrics_that_the_manual_page_lists(self) -> None:
        for title, query in every_query():
            self.assertLessEqual(set(metrics.used(query)), metrics.documented(), title)

    def test_each_query_asks_for_metrics_and_labels_that_a_relay_shows(self) -> None:
        page = metrics.shown()
        names, labels = metrics.names(page), metrics.labels(page)
        for title, query in every_query():
            for name, chosen_by in metrics.used(query).items():
                self.assertIn(name, names, title)
                if name in labels:
                    self.assertLessEqual(chosen_by, labels[name] | metrics.OF_EVERY_TARGET, f"{title}: {name}")

    def test_the_dashboard_shows_each_metric_of_ours(self) -> None:
        shown = {name for _, query in panel_queries() for name in metrics.used(query)}
        ours = {name for name in metrics.documented() if name.startswith("multihomed_")}
        self.assertEqual(ours - shown - {"multihomed_config_last_reload_successful"}, set())


if __name__ == "__main__":
    unittest.main()
