"""The engine behind ``course grade``: run the notebooks of a class fast, and contained.

=============  ==================================================================================
``graft``      puts a student's answers into the instructor's own notebook
``job``        what a worker is sent, and what it sends back
``nursery``    a process that has imported PyTorch; forks one for each job
``keeper``     runs one job: starts the student's process, holds it to its limits, starts it again
``sandbox``    what that process sees and may do; ``seccomp`` is its filter of system calls;
               ``probe`` tells whether this machine can give it
``inside``     the loop in the student's process; ``shell`` runs a cell and records its outputs
``controls``   test cells that must fail: how a submission is caught that tampered with its judge;
               ``wrong`` and ``integrity`` help it
``record``     nbgrader's own conversion, with outputs that come from a worker
``pool``       many jobs at once, on this machine or on a Dask cluster
=============  ==================================================================================

Everything up to ``inside`` is trusted; nothing that comes out of the student's process is.
"""
