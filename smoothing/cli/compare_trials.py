"""Comparison of trials of attacks against defences; see the command ``compare``."""

from collections.abc import Mapping
from pathlib import Path

from reporting.trials import PUBLISHED, Summary, read_published, summaries, trial_table
from smoothing.runs.run_directory import RunDirectory
from smoothing.runs.trials import read_csv


def are_trials(paths: Mapping[str, Path]) -> bool:
    """Return whether the runs are trials and published results of trials.

    Raises:
        ValueError: If only some of them are.
    """
    kinds = {name: _is_trials(path) for name, path in paths.items()}
    if len(set(kinds.values())) > 1:
        trials = next(name for name, is_trials in kinds.items() if is_trials)
        other = next(name for name, is_trials in kinds.items() if not is_trials)
        raise ValueError(f"runs: {trials} holds trials of attacks and {other} does not; must be of one kind")
    return all(kinds.values())


def compare_trials(paths: Mapping[str, Path], out: str) -> None:
    """Print attack success and clean accuracy of runs beside published results, write them to a folder and log them.

    Args:
        paths: Run directories and files of published results, by name.
        out: Folder for ``comparison.md``, ``comparison.tex`` and ``report.html``, which also shows poisons of the runs.

    Raises:
        ValueError: If a file is damaged or cannot be written, naming it.
    """
    runs = {name: read_csv(RunDirectory(path).trial_table) for name, path in paths.items() if path.is_dir()}
    found: list[Summary] = []
    for name, path in paths.items():
        found += summaries(name, runs[name]) if name in runs else read_published(path)
    table = trial_table(found)
    # Imported here, since these imports take seconds and would delay error messages.
    from reporting.comparison_logger import log_comparison
    from reporting.html.trials_page import poison_pictures, write_trials_page

    pictures = [one for name in runs for one in poison_pictures(name, RunDirectory(paths[name]), runs[name])]
    folder = Path(out)
    markdown, tex, page = (folder / name for name in ("comparison.md", "comparison.tex", "report.html"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        markdown.write_text(f"# {table.title}\n\n{table.markdown()}\n", encoding="utf-8")
        tex.write_text(table.latex(), encoding="utf-8")
        write_trials_page(page, f"Attacks against defences: {folder.resolve().name}", table, pictures, paths)
    except OSError as error:
        raise ValueError(f"out: {out}: {error.strerror}; must be writable") from None
    table.show()
    print(f"table:  {markdown}")
    print(f"report: {page}")
    config = {"runs": {name: str(path) for name, path in paths.items()}}
    log_comparison(out, {}, {"comparison": table}, [markdown, tex, page], config)


def _is_trials(path: Path) -> bool:
    if path.is_dir():
        return RunDirectory(path).trial_table.is_file()
    if path.suffix != ".csv" or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().strip() == ",".join(PUBLISHED)
