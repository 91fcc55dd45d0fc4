"""Stand-ins: small worlds that take the place of a data set when there is no network.

Each has the shapes and types of the real data and something to learn, and is drawn from a generator
of its own with a fixed seed, so it is the same on every machine and disturbs no other random
numbers. A result on a stand-in says nothing about the real data.
"""
