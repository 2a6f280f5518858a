"""What runs as a process: the API, the anchorer, and the parent of several. Each makes its own objects, once.

opening.py      the log as a process opens it: database, chain, domain
api.py          takes and answers requests; any number of them
anchorer.py     integrates, witnesses and follows, while it holds the lease
supervisor.py   starts the others, starts them again when they die, ends them
child.py        what the supervisor starts
"""
