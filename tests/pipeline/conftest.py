import nbformat
import pytest


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of code cells, the first of them tagged as parameters if given."""

    def write(*sources, parameters=None, name="small.ipynb"):
        cells = [nbformat.v4.new_markdown_cell("# Small\n\n## 1 First section")]
        if parameters is not None:
            cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        cells += [nbformat.v4.new_code_cell(source) for source in sources]
        node = nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        )
        path = tmp_path / name
        nbformat.write(node, path)
        return path

    return write
