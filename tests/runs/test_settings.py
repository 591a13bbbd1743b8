from smoothing.runs.settings import computed_settings, differing_settings

CONFIG = {
    "model": {"measure": {"q": 0.1}, "classes": [1, 7], "batch_size": 3, "encoder": None, "options": {}},
    "data": {"init_args": {"batch_size": 16, "num_workers": 2, "root": "x"}},
    "trainer": {"devices": 2},
    "run_dir": "runs/a",
}


def test_settings_that_determine_rows_are_kept():
    assert computed_settings(CONFIG) == {
        "model.measure.q": "0.1",
        "model.classes.0": "1",
        "model.classes.1": "7",
        "model.batch_size": "3",
        "model.encoder": "None",
        "model.options": "{}",
        "data.init_args.root": "x",
    }


def test_numbers_and_their_text_are_equal():
    assert computed_settings({"q": 0.1}) == computed_settings({"q": "0.1"})


def test_differing_settings_are_returned_for_every_run():
    runs = {"a": {"q": "1", "k": "2"}, "b": {"q": "1", "k": "3"}, "c": {"q": "1", "k": "2", "extra": "x"}}
    assert differing_settings(runs) == {
        "k": {"a": "2", "b": "3", "c": "2"},
        "extra": {"a": "absent", "b": "absent", "c": "x"},
    }
    assert differing_settings({}) == {}
