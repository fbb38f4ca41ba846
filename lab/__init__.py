"""A model of AWS to develop and rehearse against: moto, plus what moto lacks. It is not AWS."""
