"""What goes wrong before the lab runs, each told in one line that names the file or field.

* LabError
  + BuildError      `.aws-sam/build` is missing or older than the sources
  + TemplateError   a template says what the lab cannot resolve or does not model
  + ScenarioError   a scenario file has a field that is unknown, missing or of a wrong kind
"""


class LabError(Exception):
    """The lab cannot do what it was asked; the message is one line for a person."""


class BuildError(LabError):
    """The built application is missing or stale."""


class TemplateError(LabError):
    """A template cannot be deployed; the message names the logical id and the path."""


class ScenarioError(LabError):
    """A scenario file is not usable; the message names the file and the path of the field."""
