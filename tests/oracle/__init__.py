"""An independent model of the contract: what must come out, given what lay in the input topics.

Shares no code with the service. See README.md in this folder for how to use it and for every place
where the contract is silent.
"""
