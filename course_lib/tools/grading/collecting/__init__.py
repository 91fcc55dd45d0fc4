"""``course collect``: from what a learning platform exports to nbgrader's ``submitted/`` folders.

``archives`` reads folders and zip files safely, ``layouts`` knows whose a file is, ``choose`` which
of a student's files is the notebook, ``roster`` who the students are; ``received`` keeps everything
that was handed in, and ``collect`` puts what counts where nbgrader looks for it.
"""
