"""nbgrader's settings for this course.

Stock ``nbgrader`` commands, its JupyterLab extensions and ``course release``, ``grade`` and
``feedback`` read this file, so all of them work on the same folders, gradebook and rules.
"""

import os
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades

from course_lib.tools.grading.hide import HideTests
from course_lib.tools.grading.release import refresh_sources
from course_lib.tools.grading.secret import share_seed

c = get_config()  # noqa: F821
root = Path(__file__).resolve().parent
private = root / "grading"  # all that belongs to students; git ignores it, `course clean` keeps it
private.mkdir(exist_ok=True)

c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "deep-learning-with-pytorch"

# solutions/<name>/<name>.md -> _build/nbgrader/source/ -> exercises/
refresh_sources(root)
c.CourseDirectory.source_directory = "_build/nbgrader/source"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.solution_directory = "_build/nbgrader/solution"
c.CourseDirectory.submitted_directory = "grading/submitted"
c.CourseDirectory.autograded_directory = "grading/autograded"
c.CourseDirectory.feedback_directory = "grading/feedback"

# SQLite beside the submissions, or another database, e.g. postgresql://user@host/gradebook
c.CourseDirectory.db_url = os.environ.get("COURSE_GRADEBOOK") or f"sqlite:///{private}/gradebook.db"

# Seconds for one cell. The assignments need less than 60 for the whole notebook.
c.Execute.timeout = 120
c.Execute.extra_arguments = ["--log-level=ERROR"]  # of the kernel, which warns at every start
c.Execute.shutdown_kernel = "immediate"  # nothing of a graded notebook is left to be saved

# The seed of the tests' random inputs: secret, and the same whenever this class is graded again.
share_seed(private / "seed")

# Students see which test failed and why, but no hidden test.
c.GenerateFeedback.preprocessors = [HideTests, GetGrades, CSSHTMLHeaderPreprocessor]
