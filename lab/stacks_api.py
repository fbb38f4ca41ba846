"""CloudFormation in the lab: it describes the stacks that the lab deployed, and nothing else."""

from collections.abc import Iterable
from datetime import datetime

from lab.deployment import Deployment
from lab.gate import Gate
from lab.wire import ApiCall, ApiError, HttpResponse, result_response


class StacksApi:
    """Answers `DescribeStacks`, by which the command finds a stack's functions and table."""

    def __init__(self, deployments: Iterable[Deployment], deployed_at: datetime) -> None:
        self._deployments = deployments
        self._deployed_at = deployed_at

    def install(self, gate: Gate) -> None:
        """Take `DescribeStacks` over from moto."""
        gate.override("cloudformation", "DescribeStacks", self._describe)

    def _describe(self, call: ApiCall) -> HttpResponse:
        name = call.params.get("StackName")
        stacks = [
            self._described(deployment)
            for deployment in self._deployments
            if (deployment.place.account, deployment.place.region) == (call.account, call.region)
            and name in {None, deployment.place.stack}
        ]
        if name is not None and not stacks:
            raise ApiError("ValidationError", f"Stack with id {name} does not exist")
        return result_response(call, {"Stacks": stacks})

    def _described(self, deployment: Deployment) -> dict[str, object]:
        outputs = deployment.stack.outputs if deployment.stack else {}
        return {
            "StackName": deployment.place.stack,
            "StackId": deployment.place.pseudo_parameters()["AWS::StackId"],
            "StackStatus": "CREATE_COMPLETE",
            "CreationTime": self._deployed_at,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in deployment.parameters.items()
            ],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        }
