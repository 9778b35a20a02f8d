"""Where settings come from, and what is said of wrong ones."""

from pathlib import Path

import pytest

from assay.cli.configure import configure, unknown_variables
from assay.core import InvalidInput, NotFound, Usage


def write(folder: Path, text: str) -> Path:
    path = folder / "assay.toml"
    path.write_text(text)
    return path


def test_a_flag_wins_over_the_environment_which_wins_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'port = 1111\nhost = "::1"\nbodies = "off"\n')
    found = configure({"port": 3333}, {"ASSAY_PORT": "2222", "ASSAY_BODIES": "hashed"}, file)
    assert (found.settings.port, found.settings.bodies, found.settings.host) == (3333, "hashed", "::1")
    assert [found.origins[name].kind for name in ("port", "bodies", "host", "log_level")] == [
        "flag",
        "environment",
        "file",
        "shipped",
    ]


def test_an_unknown_key_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"max_body_byte'.* Did you mean 'max_body_bytes'") as caught:
        configure({}, {}, write(tmp_path, "max_body_byte = 5\n"))
    assert caught.value.code == "settings.unknown_key"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"ASSAY_PORT": "eighty"}, "'port' cannot be 'eighty' (from ASSAY_PORT)"),
        ({"ASSAY_PORT": "70000"}, "'port' cannot be '70000'"),
        ({"ASSAY_BODIES": "some"}, "'bodies' cannot be 'some'"),
        ({"ASSAY_IDLE_TIMEOUT_S": "0"}, "'idle_timeout_s' cannot be '0'"),
    ],
)
def test_a_wrong_value_is_named_with_its_reason_and_its_origin(environ: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure({}, environ)
    assert said in caught.value.message


def test_a_wrong_database_url_is_not_repeated_since_it_may_hold_a_password(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure({}, {}, write(tmp_path, 'database = ["postgresql://me:hush@db"]\n'))
    assert "hush" not in str(caught.value)


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no configuration file"):
        configure({}, {}, tmp_path / "none.toml")


def test_broken_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="line 1"):
        configure({}, {}, write(tmp_path, "port = \n"))


def test_the_master_key_may_not_lie_inside_the_data_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="inside the data folder"):
        configure({"data": tmp_path, "master_key": tmp_path / "keys" / "master.key"}, {})


def test_a_provider_of_the_file_needs_only_an_address(tmp_path: Path) -> None:
    (row,) = configure({}, {}, write(tmp_path, '[providers.our-vllm]\nbase_url = "http://127.0.0.1:9000/v1"\n')).settings.providers
    assert (row.name, row.title, row.origin, row.key_env) == ("our-vllm", "our-vllm", "file", ("OUR_VLLM_API_KEY",))


def test_an_unknown_key_of_a_provider_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    file = write(tmp_path, '[providers.ours]\nbase_url = "http://127.0.0.1:9000/v1"\nkey_evn = ["K"]\n')
    with pytest.raises(InvalidInput, match=r"'key_evn' in \[providers.ours\].* Did you mean 'key_env'"):
        configure({}, {}, file)


def test_a_row_of_a_shipped_name_without_an_address_changes_only_what_it_says(tmp_path: Path) -> None:
    file = write(tmp_path, '[providers.azure]\nvalues = { resource = "mine" }\nheaders = { x-team = "a" }\n')
    (row,) = configure({}, {}, file).settings.providers
    assert (row.values, row.headers, row.origin) == ({"resource": "mine"}, {"x-team": "a"}, "file")
    assert row.base_url == "https://{resource}.openai.azure.com/openai/v1"
    assert row.offers["openai_chat"].renames == {"max_tokens": "max_completion_tokens"}


def test_prices_of_the_file_are_written_in_units_of_their_currency(tmp_path: Path) -> None:
    row = """
        [providers.ours]
        base_url = "http://127.0.0.1:9000/v1"
        [providers.ours.prices]
        source = "our own sheet"
        date = "2026-11-01"
        [[providers.ours.models]]
        name = "m"
        price = { input = "0.15", output = "0.6", over_tokens = 200_000, over = { input = "0.3", output = "1.2" } }
    """
    ((model,),) = (one.models for one in configure({}, {}, write(tmp_path, row)).settings.providers)
    assert model.price is not None
    assert (model.price.input, model.price.source, model.price.date) == (150_000_000, "our own sheet", "2026-11-01")
    assert model.price.cost(Usage(input=1_000_000)).nano == 300_000_000
    assert model.price.cost(Usage(input=100_000)).nano == 15_000_000


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("[providers.ours.also.anthropic]\nrename = {}", r"'rename' in \[providers.ours.also.anthropic\]"),
        ("[[providers.ours.models]]\nname = 'm'\nprice = { input = 'free', output = '1' }", "a price"),
        ("models = 7", "a model"),
    ],
)
def test_a_misspelt_part_of_a_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    file = write(tmp_path, f'[providers.ours]\nbase_url = "http://127.0.0.1:9000/v1"\n{row}\n')
    with pytest.raises(InvalidInput, match=said):
        configure({}, {}, file)


def test_a_data_folder_whose_sockets_no_path_could_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="bytes too long"):
        configure({"data": tmp_path / ("x" * 100), "master_key": Path("/k")}, {})


def test_paths_come_from_the_environment_too(tmp_path: Path) -> None:
    settings = configure({}, {"ASSAY_DATA": str(tmp_path), "ASSAY_DATA_DIR": "/srv/sets"}).settings
    assert (settings.data, settings.data_dir) == (tmp_path, Path("/srv/sets"))
    assert settings.database_url == f"sqlite:///{tmp_path}/assay.db"


def test_misspelt_variables_are_found_and_those_of_the_tests_are_not() -> None:
    assert unknown_variables({"ASSAY_PROT": "1", "ASSAY_PORT": "1", "ASSAY_CHROMIUM": "/c", "HOME": "/"}) == {
        "ASSAY_PROT": "Did you mean 'ASSAY_PORT'?"
    }


@pytest.mark.parametrize(
    ("text", "param", "hint"),
    [
        ('[aliases]\na = { targets = [{ deployment = "p/m", wieght = 3 }] }', "aliases.a.targets[0].wieght", "'weight'"),
        ("[aliases.a]\ntragets = []", "aliases.a.tragets", "'targets'"),
        ("[providers.openai.reasoning]\nefort = 1", "providers.openai.reasoning.efort", "'effort'"),
        ('[[providers.openai.models]]\nname = "m"\ncontxt = 3', "providers.openai.models[0].contxt", "'context'"),
    ],
)
def test_an_unknown_key_inside_a_table_is_named_with_its_place_and_a_suggestion(
    tmp_path: Path, text: str, param: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure({}, {}, write(tmp_path, text + "\n"))
    assert (caught.value.code, caught.value.param) == ("settings.unknown_key", param)
    assert hint in (caught.value.hint or "")


def test_a_provider_may_be_like_a_shipped_one_and_its_models_are_added_to_those(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        [providers.anthropic-eu]
        like = "anthropic"
        base_url = "https://eu.example/v1"
        [providers.openai]
        models = [{ name = "brand-new", price = { input = "1", output = "2" } }]
        """,
    )
    eu, openai = configure({}, {}, file).settings.providers
    assert (eu.name, eu.protocol, eu.auth, eu.key_env) == ("anthropic-eu", "anthropic", "x-api-key", ("ANTHROPIC_EU_API_KEY",))
    assert len(eu.models) > 1
    assert openai.models[-1].name == "brand-new"
    assert len(openai.models) > 1


@pytest.mark.parametrize(
    "text", ["[providers.opnai]\nkey_env = ['A']", "[providers.mine]\nlike = 'opnai'\nbase_url = 'http://x/v1'"]
)
def test_a_provider_like_none_that_is_known_is_an_error_with_a_suggestion(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure({}, {}, write(tmp_path, text))
    assert (caught.value.code, caught.value.hint) == ("settings.unknown_provider", "Did you mean 'openai'?")


@pytest.mark.parametrize("text", ["providers = 3", "providers = ['openai']", "[providers]\nopenai = 3"])
def test_a_provider_that_is_no_table_is_told_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure({}, {}, write(tmp_path, text))
    assert caught.value.code == "settings.bad_value"


def test_a_variable_holds_several_words_with_commas_between(tmp_path: Path) -> None:
    settings = configure({"data": tmp_path}, {"ASSAY_TRUSTED_PROXIES": "10.0.0.0/8, ::1", "ASSAY_OIDC_ROLES": "ignored"}).settings
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.oidc_roles == {}
