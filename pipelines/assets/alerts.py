"""Telling somebody that a run failed: one JSON message to the operator's webhook."""

from collections.abc import Iterable

import dagster as dg
import requests
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from pipelines.settings import Settings

TIMEOUT_SECONDS = 15
LONGEST_TEXT = 2_000


class AlertNotSent(Exception):
    """The webhook did not take the message. The text never holds its address, which is a secret."""


def failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Posts to ``alert_webhook`` whenever a run of this project fails."""

    @dg.run_failure_sensor(
        name="tell_of_failures",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts a JSON message to `TURNOUT_ALERT_WEBHOOK` when a run fails.",
    )
    def tell_of_failures(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        if settings.alert_webhook is None:
            return dg.SkipReason("set TURNOUT_ALERT_WEBHOOK to be told of failed runs")
        _post(settings.alert_webhook.get_secret_value(), message(settings, context))
        return None

    return tell_of_failures


def message(settings: Settings, context: dg.RunFailureSensorContext) -> dict[str, str | list[str]]:
    """What is told: the run, its address, the assets that were not made, and the step's own sentence.

    ``text`` alone is what Slack, Teams and Mattermost show.
    """
    run = context.dagster_run
    url = f"{settings.dagster_url.rstrip('/')}/runs/{run.run_id}"
    failed = sorted(key.to_user_string() for key in _not_made(context.instance, run.run_id))
    sentences = [_sentence(event) for event in context.get_step_failure_events()]
    error = "\n".join(sentences) or context.failure_event.message or "the run ended without a message"
    listed = f" ({', '.join(failed)})" if failed else ""
    return {
        "text": f"Turnout: {run.job_name} failed{listed}: {error[:LONGEST_TEXT]} {url}",
        "run_id": run.run_id,
        "run_url": url,
        "job": run.job_name,
        "failing_assets": failed,
        "error": error[:LONGEST_TEXT],
    }


def _not_made(instance: dg.DagsterInstance, run_id: str) -> Iterable[dg.AssetKey]:
    """Assets that the run was to make and did not."""
    planned = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    ).records
    made = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    found = {record.asset_key for record in planned} - {record.asset_key for record in made}
    return [key for key in found if key is not None]


def _sentence(event: dg.DagsterEvent) -> str:
    """A step's own description of its failure; of other errors the kind alone, as their text may quote data."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    kind = failure.error.cls_name if failure.error else "an error"
    return f"{kind} in {event.step_key}; see the run"


@retry(
    retry=retry_if_exception_type(AlertNotSent),
    stop=stop_after_attempt(3),
    wait=wait_exponential(multiplier=1, max=5),
    reraise=True,
)
def _post(url: str, told: dict[str, str | list[str]]) -> None:
    try:
        answer = requests.post(url, json=told, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        raise AlertNotSent(f"the alert webhook could not be reached ({type(error).__name__})") from None
    if not answer.ok:
        raise AlertNotSent(f"the alert webhook answered {answer.status_code}")
