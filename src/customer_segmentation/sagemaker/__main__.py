"""`python -m customer_segmentation.sagemaker serve` or `train`: SageMaker gives the word."""

from __future__ import annotations

import sys

from customer_segmentation.sagemaker.folders import Folders

_USAGE = "Error: SageMaker starts a container with `serve` or with `train`"


def main(arguments: list[str]) -> None:
    """Serve the model, or train one."""
    # Neither image holds what only the other one needs.
    if arguments == ["serve"]:
        from customer_segmentation.sagemaker.serve import serve  # noqa: PLC0415 - as above

        serve(Folders.here())
    elif arguments == ["train"]:
        from customer_segmentation.sagemaker.train import train  # noqa: PLC0415 - as above

        sys.exit(train(Folders.here()))
    else:
        sys.exit(_USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
