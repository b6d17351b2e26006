"""One rule for the language of three programs: option, own variable, common one, locale."""

import pytest

from did_service.program.language import (
    COMMON,
    OWN,
    in_variables,
    spoken_language,
    variables_of,
)
from tests.support.desk import did_verify
from tests.support.purse import wallet

PROGRAMS = ("wallet", "did-verify", "did-service")
LOCALE = {"LC_ALL": "zh_CN.UTF-8"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_variable_is_read_by_every_program(program):
    assert spoken_language([], {COMMON: "zh"}, program) == "zh"
    assert variables_of(program)[-1] == COMMON == "DIDSVC_LANG"


@pytest.mark.parametrize("program", OWN)
def test_what_release_0_2_0_read_goes_before_the_common_variable(program):
    """Who has set both had a reason: nothing changes for them."""
    both = {OWN[program]: "zh", COMMON: "en"}
    assert spoken_language([], both, program) == in_variables(both, program) == "zh"
    assert spoken_language([], {OWN[program]: "", COMMON: "en"}, program) == "en"


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_program_reads_the_variable_of_another(program):
    others = {name: "zh" for other, name in OWN.items() if other != program}
    assert spoken_language([], others, program) == "en"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_option_goes_before_all_and_the_locale_comes_last(program):
    spoken = dict.fromkeys(variables_of(program), "both")
    for given in (["--lang", "en"], ["--lang=en"]):
        assert spoken_language(given, {**LOCALE, **spoken}, program) == "en"
    assert spoken_language([], {**LOCALE, **spoken}, program) == "both"
    assert spoken_language([], LOCALE, program) == "zh"
    assert spoken_language(["--lang", "fr"], {COMMON: "fr", "LANG": "C"}, program) == "en"


@pytest.mark.clock
@pytest.mark.parametrize(("program", "run"), [("wallet", wallet), ("did-verify", did_verify)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_names_the_variables_in_their_order(program, run, language):
    told = " ".join(run("--help", "--lang", language).out.split())
    own, common = (told.index(name) for name in variables_of(program))
    assert 0 <= told.index("--lang") < own < common
