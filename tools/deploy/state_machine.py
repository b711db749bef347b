"""The state machine of an environment, in Amazon's States Language, made of the Kedro graph.

An execution waits for those before it, runs what it was asked for, and ends as `done`, `refused`
(by the gate, which is an answer) or as failed, with the project's own message; the latter two are
told to a topic. Jobs follow each other: an environment has one run at a time, as its lock says.

`${...}` are variables of Terraform's `templatefile`.
"""

from __future__ import annotations

import json
from typing import Any

from customer_segmentation.cloud_job import ALERTS
from customer_segmentation.run_lock import EXPIRY
from tools.deploy.declared import Job, declared
from tools.deploy.job_states import RUNNERS, Runner, State, crashed, retry, sagemaker
from tools.deploy.project import measuring, steps

_TURN_SECONDS = 30
# An execution that waits for long is one too many.
_WAITS_HOURS = 12


def documents() -> dict[str, str]:
    """The definitions by environment and by what runs the jobs."""
    files = {
        f"{environment}.{kind}": definition(environment, runner)
        for environment in environments()
        for kind, runner in RUNNERS.items()
    }
    files["schedules"] = {environment: schedules(environment) for environment in environments()}
    return {
        f"aws/modules/orchestration/{name}.json": json.dumps(each, indent=2) + "\n"
        for name, each in files.items()
    }


def schedules(environment: str) -> dict[str, dict[str, Any]]:
    """When executions are started, in the words of EventBridge's scheduler."""
    return {
        name: {"expression": _cron(one.cron), "runs": [*one.runs]}
        for name, one in declared().scheduled(environment).items()
    }


def _cron(fields: str) -> str:
    """Five fields as AWS has them: with a year, and one of the days left open.

    Raises:
        ValueError: Days of the week are numbers, which AWS counts from another day on.
    """
    minute, hour, day, month, weekday = fields.split()
    if any(letter.isdigit() for letter in weekday):
        message = f"cron {fields}: name days of the week, such as MON"
        raise ValueError(message)
    if weekday == "*":
        weekday = "?"
    elif day == "*":
        day = "?"
    return f"cron({minute} {hour} {day} {month} {weekday} *)"


def environments() -> list[str]:
    """The environments that run by themselves."""
    return [name for name in declared().environments if declared().scheduled(name)]


def definition(environment: str, runner: Runner) -> dict[str, Any]:
    """The definition of an environment, whose jobs a runner runs."""
    told = declared()
    own = f"--env={told.environments[environment].kedro}"
    states = _turn(default_runs(environment))
    following = [*(step.name for step in steps()[1:]), "asks_for_scoring"]
    first = steps()[0].name
    # A gate alone measures by the customers there are now.
    states |= _choice("asks_for_feedback", "'feedback' in $runs", "feedback", "asks_for_jobs")
    takes_in = [own, _pipelines(told.feedback)]
    states |= _job("feedback", told.feedback, takes_in, "asks_for_jobs", runner)
    begins = "'jobs' in $runs or 'gate' in $runs"
    states |= _choice("asks_for_jobs", begins, first, "asks_for_scoring")
    for step, following_job in zip(steps(), following, strict=True):
        after = following_job
        if step == measuring()[-1]:
            after = "asks_for_learning"
            states |= _choice(after, "'jobs' in $runs", following_job, "asks_for_scoring")
        arguments = [*step.command(told.environments[environment].kedro)[1:]]
        states |= _job(step.name, step.job, arguments, after, runner)
    states |= _choice("asks_for_scoring", "'scoring' in $runs", "scoring", "asks_for_retraining")
    if runner is RUNNERS["emr"]:
        states["asks_for_scoring"]["Default"] = "asks_for_training"
        training = "sagemaker_training"
        states |= _choice(
            "asks_for_training", f"'{training}' in $runs", training, "asks_for_retraining"
        )
        states |= sagemaker(training, "asks_for_retraining")
    states |= _job(
        "scoring", told.scoring, [own, _pipelines(told.scoring)], "asks_for_retraining", runner
    )
    states |= _choice("asks_for_retraining", "'retraining' in $runs", "retraining", "asks_for_gate")
    learns = [own, _pipelines(told.retraining)]
    states |= _job("retraining", told.retraining, learns, "asks_for_gate", runner)
    states |= _choice("asks_for_gate", "'gate' in $runs", "gate", "done")
    # At the gate is what this execution has learned; else the champion of the environment below.
    source = "{% '--params=promotion.source=' & ('jobs' in $runs ? 'here' : 'below') %}"
    gate = [own, _pipelines(told.gate), source]
    states |= _job("gate", told.gate, gate, "refresh_serving", runner)
    states |= _ends()
    waiting = _WAITS_HOURS * 60
    jobs = (*told.jobs.values(), *told.alone.values())
    minutes = waiting + sum(job.timeout_minutes * (job.retries + 1) for job in jobs)
    return {
        "Comment": f"Runs of {told.project} in {environment}: written by make deploy",
        "QueryLanguage": "JSONata",
        "StartAt": "read_order",
        "TimeoutSeconds": minutes * 60,
        "States": states,
    }


def default_runs(environment: str) -> list[str]:
    """What a file that lands starts: what the environment's own schedule runs."""
    own = declared().schedules.get(environment)
    return list(own.runs) if own else ["jobs"]


def _pipelines(job: Job) -> str:
    return f"--pipelines={','.join(job.pipelines)}"


def _turn(runs: list[str]) -> dict[str, State]:
    """Read the order, and wait until this is the oldest execution that runs."""
    default = json.dumps(runs).replace('"', "'")
    source = "$exists($states.input.source) ? $states.input.source : ''"
    return {
        "read_order": {
            "Type": "Pass",
            "Assign": {
                "runs": f"{{% $exists($states.input.runs) ? $states.input.runs : {default} %}}",
                "source": f"{{% {source} %}}",
                "outcomes": "{% 'outcomes/' & $states.context.Execution.Name %}",
            },
            "Next": "look_who_runs",
        },
        "look_who_runs": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:listExecutions",
            "Arguments": {
                "StateMachineArn": "{% $states.context.StateMachine.Id %}",
                "StatusFilter": "RUNNING",
                # Of a page that does not hold all, the last would not be the oldest.
                "MaxResults": 1_000,
            },
            # The list begins with the newest.
            "Assign": {"oldest": "{% $states.result.Executions[-1].ExecutionArn %}"},
            "Retry": [retry(5)],
            "Next": "is_its_turn",
        },
        **_choice(
            "is_its_turn", "$oldest = $states.context.Execution.Id", "asks_for_feedback", "wait"
        ),
        "wait": {"Type": "Wait", "Seconds": _TURN_SECONDS, "Next": "look_who_runs"},
    }


def _choice(name: str, condition: str, then: str, otherwise: str) -> dict[str, State]:
    choice = {"Condition": f"{{% {condition} %}}", "Next": then}
    return {name: {"Type": "Choice", "Choices": [choice], "Default": otherwise}}


def _job(name: str, job: Job, arguments: list[str], after: str, runner: Runner) -> dict[str, State]:
    """A job, and the ways on from how it ended."""
    judged = f"{name}_ended"
    is_told = name in declared().alerts_after
    by_outcome = [f"--{ALERTS}=yes"] if is_told else []
    states = runner(name, [*arguments, *by_outcome], judged)
    states[name] |= {"TimeoutSeconds": job.timeout_minutes * 60}
    if job.retries:
        # The lease of a job that was killed must have ended, or the next one is refused.
        states[name]["Retry"] = [retry(job.retries, round(1.5 * EXPIRY))]
    for state in states.values():
        state["Catch"] = [crashed(name)]
    alerts, told = f"{name}_has_alerts", f"tell_{name}_alerts"
    then = alerts if is_told else after
    states |= _choice(judged, "$outcome.outcome = 'done'", then, "tell_failure")
    if is_told:
        states |= _choice(alerts, "$exists($outcome.alert)", told, after)
        states[told] = _publish("$outcome.alert.title", "$outcome.alert.text", after)
        # What the job made is right; what was not told stands in its outcome.
        states[told]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": after}]
    refused = {"Condition": "{% $outcome.outcome = 'refused' %}", "Next": "tell_refusal"}
    states[judged]["Choices"].append(refused)
    return states


def _ends() -> dict[str, State]:
    """A promotion makes serving cold, so that it reads the champion; then what there is to tell."""
    return {
        "refresh_serving": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:lambda:updateFunctionConfiguration",
            "Arguments": {
                "FunctionName": "${scoring_function}",
                "Description": "{% 'Champion as of ' & $states.context.State.EnteredTime %}",
            },
            "Retry": [retry(3)],
            # It looks for itself within a minute; the promotion stands.
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "done"}],
            "Next": "done",
        },
        "done": {"Type": "Pass", "Output": {"outcome": "done", "runs": "{% $runs %}"}, "End": True},
        "tell_refusal": _tell("refused", "refused"),
        "refused": {"Type": "Pass", "Output": "{% $outcome %}", "End": True},
        "tell_failure": _tell("failed", "failed"),
        "failed": {
            "Type": "Fail",
            "Error": "{% $job & '.' & $outcome.outcome %}",
            "Cause": "{% $outcome.message %}",
        },
    }


def _tell(word: str, after: str) -> State:
    lines = "[$outcome.message, $source, $states.context.Execution.Id]"
    return _publish(f"'${{name}}: ' & $job & ' {word}'", f"$join({lines}, '\\n')", after)


def _publish(subject: str, message: str, after: str) -> State:
    """Tell the topic what two expressions give."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {
            "TopicArn": "${topic_arn}",
            "Subject": f"{{% {subject} %}}",
            "Message": f"{{% {message} %}}",
        },
        "Retry": [retry(3)],
        "Next": after,
    }
