# Every target is one call of course_lib/__main__.py, which also works where there is no make.
# Another Python:      make book PYTHON=python3.12
# Arguments (pytest):  make test ARGS="-k perceptron"

PYTHON ?= python3
ARGS ?=

.PHONY: help book pdf test serve install clean

help:
	@echo "make book     install into .venv, execute the notebooks, build the book into _build/html"
	@echo "make pdf      print the book into _build/pdf/book.pdf (needs Chromium or Chrome)"
	@echo "make serve    open the book in the browser"
	@echo "make test     run the tests"
	@echo "make install  install into .venv only"
	@echo "make clean    remove _build"

book pdf test serve install clean:
	@$(PYTHON) -m course_lib $@ $(ARGS)
