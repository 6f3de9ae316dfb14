"""The tables of the classifier, one module for each kind of source."""
