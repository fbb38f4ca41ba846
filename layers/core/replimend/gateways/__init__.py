"""The ports fulfilled with AWS: the domain's verbs in, AWS calls out."""
