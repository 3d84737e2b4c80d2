"""Drafts and merges, without a screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidMovie
from core.model import FIELD, Movie, check, replace, value_of
from tests.tui.movies import ALIEN, TITLES, any_movies, quick, valid_movies
from tui.editing import EDITABLE, Change, Draft, Side, differing, merge, proposed_id, resolve

names = st.sampled_from([field.name for field in EDITABLE])


@quick
@given(any_movies)
def test_an_untouched_draft_changes_nothing(movie: Movie) -> None:
    draft = Draft(movie)
    assert draft.dirty == ()
    if not draft.problems:
        assert draft.movie == movie


@quick
@given(valid_movies, names, st.text(max_size=60))
def test_a_field_that_has_its_text_back_is_as_if_nothing_was_typed(movie: Movie, name: str, text: str) -> None:
    draft = Draft(movie)
    assert draft.write(name, text).write(name, draft.original(name)) == draft


@quick
@given(valid_movies, st.dictionaries(names, st.text(max_size=60), max_size=5))
def test_what_the_form_accepts_the_core_accepts(movie: Movie, typed: dict[str, str]) -> None:
    draft = Draft(movie)
    for name, text in typed.items():
        draft = draft.write(name, text)
    if draft.problems:
        with pytest.raises(InvalidMovie) as refused:
            _ = draft.movie
        assert refused.value.problems == draft.problems
    else:
        edited = draft.movie
        assert check(edited) == edited
        assert edited.version == movie.version
        assert {change.field.name for change in draft.changes} == set(draft.dirty)


@quick
@given(valid_movies, valid_movies)
def test_typing_all_values_of_another_movie_makes_that_movie(base: Movie, other: Movie) -> None:
    draft = Draft(base)
    for field in EDITABLE:
        value = value_of(other, field.name)
        if not (isinstance(value, tuple) and any("," in item for item in (*value, *_items(base, field.name)))):
            draft = draft.write(field.name, field.show(value))
            assert draft.read(field.name) == value


def _items(movie: Movie, name: str) -> tuple[str, ...]:
    value = value_of(movie, name)
    return value if isinstance(value, tuple) else ()


@pytest.mark.parametrize("title", TITLES)
def test_odd_titles_can_be_typed(title: str) -> None:
    draft = Draft(ALIEN).write("title", title)
    assert draft.problems == {}
    assert draft.movie.title == check(draft.movie).title


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("title", "", "is required"),
        ("title", "   ", "is required"),
        ("runtime", "-5", "must lie between 1 and 60 000"),
        ("runtime", "long", "must be a whole number"),
        ("runtime", "9" * 30, "must be a whole number"),
        ("year", "20244", "must lie between 1870 and 2100"),
        ("released", "25.5.1979", "must be a date, such as 1979-05-25"),
        ("released", "1066-10-14", "must lie between the years 1870 and 2100"),
        ("genres", "Horror, Drama, horror", "names 'horror' twice"),
        ("imdb_rating", "11", "must lie between 0 and 10"),
        ("imdb_rating", "nan", "must be a number, such as 7.4"),
        ("title", "a\x00b", "holds a forbidden character (U+0000)"),
        ("plot", "\x1b[2J", "holds a forbidden character (U+001B)"),
        ("imdb_id", "78748", "must look like tt0078748"),
        ("poster", "javascript:alert(1)", "must look like https://..."),
        ("title", "x" * 501, "is longer than 500 characters (501)"),
    ],
)
def test_bad_input_is_named(name: str, text: str, problem: str) -> None:
    draft = Draft(ALIEN).write(name, text)
    assert draft.problems == {name: problem}
    assert draft.dirty == (name,)
    with pytest.raises(InvalidMovie):
        _ = draft.changes


def test_quotes_and_dollars_are_text() -> None:
    draft = Draft(ALIEN).write("plot", """'; drop table movies; -- $where {"$gt": ""}""")
    assert draft.problems == {}
    assert draft.movie.plot == """'; drop table movies; -- $where {"$gt": ""}"""


def test_changes_name_old_and_new() -> None:
    draft = Draft(ALIEN).write("runtime", "118").write("rated", "").write("title", "Alien ")
    assert draft.changes == (Change(FIELD["runtime"], 117, 118), Change(FIELD["rated"], "R", None))
    assert draft.movie == replace(ALIEN, runtime=118, rated=None)


def test_a_name_with_a_comma_survives_an_edit_of_its_list() -> None:
    movie = replace(ALIEN, cast=("Sammy Davis, Jr.", "John Hurt"))
    draft = Draft(movie).write("cast", "Sammy Davis, Jr., John Hurt, Ian Holm")
    assert draft.movie.cast == ("Sammy Davis, Jr.", "John Hurt", "Ian Holm")


def test_a_new_movie_needs_an_id_and_a_title() -> None:
    draft = Draft.of_new()
    assert list(draft.problems) == ["id", "title"]
    assert draft.dirty == ()
    made = draft.write("id", "my:[rec]").problems
    assert "id" in made
    assert draft.write("id", "my:rec").write("title", "[REC]").movie == Movie(id="my:rec", title="[REC]")


@quick
@given(st.text(max_size=120))
def test_a_proposed_id_keeps_the_rule(title: str) -> None:
    proposal = proposed_id(title)
    assert (proposal == "") == (not title.strip())
    if proposal:
        assert FIELD["id"].problem(proposal) is None


def test_a_proposed_id_reads_like_the_title() -> None:
    assert proposed_id("Blade Runner 2049") == "my:blade-runner-2049"
    assert proposed_id("生きる") != proposed_id("用心棒")


@quick
@given(valid_movies, valid_movies, valid_movies, st.data())
def test_a_merge_takes_each_field_from_the_chosen_side(
    base: Movie, mine: Movie, theirs: Movie, data: st.DataObject
) -> None:
    parts = differing(base, mine, theirs)
    sides: st.SearchStrategy[Side] = st.sampled_from(("mine", "theirs"))
    choices: dict[str, Side] = {}
    for part in parts:
        choices[part.field.name] = data.draw(sides) if part.preselected is None else part.preselected
    merged = resolve(mine, theirs, choices)
    assert merged.version == theirs.version
    assert merged.id == theirs.id
    for part in merge(base, mine, theirs):
        value = value_of(merged, part.field.name)
        match part.verdict:
            case "unchanged" | "agreed":
                assert value == part.mine == part.theirs
            case "mine":
                assert value == part.mine != part.base
            case "theirs":
                assert value == part.theirs != part.base
            case "conflict":
                assert value == (part.mine if choices[part.field.name] == "mine" else part.theirs)
                assert part.preselected is None


def test_the_five_verdicts() -> None:
    mine = replace(ALIEN, title="Mine", runtime=118, rated="PG", year=1980)
    theirs = replace(ALIEN, version=9, runtime=116, tomatometer=98, rated="PG")
    verdicts = {part.field.name: part.verdict for part in merge(ALIEN, mine, theirs)}
    assert verdicts["title"] == "mine"
    assert verdicts["tomatometer"] == "theirs"
    assert verdicts["rated"] == "agreed"
    assert verdicts["runtime"] == "conflict"
    assert verdicts["plot"] == "unchanged"
    assert [part.field.name for part in differing(ALIEN, mine, theirs)] == ["title", "year", "runtime", "tomatometer"]


@quick
@given(valid_movies, valid_movies)
def test_a_rebased_draft_shows_the_merged_movie(base: Movie, merged: Movie) -> None:
    draft = Draft(ALIEN).write("title", "x").rebase(base, merged)
    for field in EDITABLE:
        assert draft.text(field.name) == field.show(value_of(merged, field.name))


def test_an_item_with_a_comma_outlives_a_change_of_the_base() -> None:
    """The base that is left knew the item as one; the new one does not."""
    mine = replace(ALIEN, cast=("Sammy Davis, Jr.", "Ian Holm"))
    theirs = replace(ALIEN, cast=("Ian Holm",), version=9)
    assert Draft(mine).rebase(theirs, replace(mine, version=9)).movie == replace(mine, version=9)
