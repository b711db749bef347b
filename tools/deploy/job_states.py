"""The states that run a job: by EMR Serverless, or by a function in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.deploy.terraform import LANDING

State = dict[str, Any]
# Of a job's name, its arguments and the state after it: the states that run it, of which the first
# has its name, and the last assigns `outcome`.
Runner = Callable[[str, list[str], str], dict[str, State]]


def crashed(name: str) -> dict[str, Any]:
    """What is done with an error of a job's state."""
    outcome = {"outcome": "crashed", "message": "{% $states.errorOutput.Cause %}"}
    return {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"job": name, "outcome": outcome},
        "Next": "tell_failure",
    }


def retry(times: int, seconds: int = 10) -> dict[str, Any]:
    """How a state is tried again."""
    return {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": seconds,
        "BackoffRate": 2,
        "MaxAttempts": times,
    }


def _arguments(name: str, arguments: list[str]) -> list[str]:
    """What deploy/aws/jobs/segmentation.py is started with."""
    return [
        f"{{% '--OUTCOME=s3://${{results_bucket}}/' & $outcomes & '/{name}.json' %}}",
        "{% '--SEGMENTATION_SOURCE=' & $source %}",
        f"--LANDING=s3://${{bucket}}/{LANDING}",
        "--STATE=s3://${bucket}",
        *arguments,
    ]


def _emr(name: str, arguments: list[str], after: str) -> dict[str, State]:
    read = f"{name}_outcome"
    return {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::emr-serverless:startJobRun.sync",
            "Arguments": {
                "ApplicationId": "${application_id}",
                "ExecutionRoleArn": "${job_role_arn}",
                "Name": f"{{% '{name} ' & $states.context.Execution.Name %}}",
                "JobDriver": {
                    "SparkSubmit": {
                        "EntryPoint": "${entry_point}",
                        "EntryPointArguments": [
                            *_arguments(name, arguments),
                            "--conf-source=${conf_source}",
                        ],
                        "SparkSubmitParameters": "${spark_submit_parameters}",
                    }
                },
                "ConfigurationOverrides": {
                    "MonitoringConfiguration": {
                        # The group is encrypted: a key here would ask each job to attach it.
                        "CloudWatchLoggingConfiguration": {
                            "Enabled": True,
                            "LogGroupName": "${log_group}",
                        }
                    }
                },
            },
            "Assign": {"job": name},
            "Next": read,
        },
        read: {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
            "Arguments": {
                "Bucket": "${results_bucket}",
                "Key": f"{{% $outcomes & '/{name}.json' %}}",
            },
            "Assign": {"outcome": "{% $parse($states.result.Body) %}"},
            "Retry": [retry(3)],
            "Next": after,
        },
    }


def _function(name: str, arguments: list[str], after: str) -> dict[str, State]:
    """The same by a function, which gives the outcome itself: for the emulator."""
    return {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {
                "FunctionName": "${job_function}",
                "Payload": {"arguments": _arguments(name, arguments)},
            },
            "Assign": {"job": name, "outcome": "{% $states.result.Payload %}"},
            "Next": after,
        },
    }


def sagemaker(name: str, after: str) -> dict[str, State]:
    """The whole run on one machine of SageMaker's, for who works there: its model stays a file."""
    channel = {
        "ChannelName": "training",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": "{% $source %}",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    hours = 2
    execution = "$substring($states.context.Execution.Name, 0, 32)"
    return {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Arguments": {
                "TrainingJobName": f"{{% '${{name}}-' & {execution} %}}",
                "RoleArn": "${training_role}",
                "AlgorithmSpecification": {
                    "TrainingImage": "${training_image}",
                    "TrainingInputMode": "File",
                },
                "InputDataConfig": [channel],
                "OutputDataConfig": {"S3OutputPath": "s3://${results_bucket}/training/"},
                "ResourceConfig": {
                    "InstanceType": "${training_machine}",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 30,
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": hours * 3_600},
            },
            "TimeoutSeconds": hours * 3_600 + 600,
            "Assign": {"job": name},
            "Catch": [crashed(name)],
            "Next": after,
        }
    }


RUNNERS: dict[str, Runner] = {"emr": _emr, "lambda": _function}
