"""What texts in Hypothesis are made of."""

from hypothesis import strategies as st

#: All that UTF-8 can encode. It is the default, too, but one that takes each fresh process 4 s to work out.
CHARACTERS = st.characters(exclude_categories=["Cs"])
