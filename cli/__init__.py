"""The operator's command `replimend`: it asks the deployed functions and reads the ledger."""
