"""What the original workflows of tests/real do on Linux, written down by reading them.

Each job's name with the combinations of its matrix that run on Linux, and the commands of its
steps, as the shell of the workflow splits them into words. Set-up steps of GitHub's own (checkout,
caches, tool installers) are no commands, and stand in README.md.
"""

PIP_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_THOROUGH = "--verbose --numprocesses auto --showlocals"


def pip_test_steps(python: str) -> list[str]:
    """The steps of `tests-unix` on one interpreter."""
    return [
        f"nox -s test-{python} -- tests/unit {_THOROUGH}",
        f"nox -s test-{python} --no-install -- tests/functional {_THOROUGH} --durations=15",
    ]


PIP_JOBS = {
    "docs": ["nox -s docs"],
    "packaging": [
        "nox -s prepare-release -- 99.9",
        "nox -s build-release -- 99.9",
        "pipx run check-sdist",
    ],
    "vendoring": ["nox -s vendoring", "git diff --exit-code"],
    "tests-zipapp": [
        f"nox -s test-3.10 -- tests/functional {_THOROUGH} --durations=15 --use-zipapp"
    ],
}

# The matrix of `test`, all of it: axes, what `include` adds to one, what `exclude` takes away.
PRETTIER_AXES = {
    "os": ("ubuntu-latest", "macos-latest", "windows-latest"),
    "node": ("16", "14", "12", "10"),
}
PRETTIER_EXCLUDED = (
    {"os": "macos-latest", "node": "14"},
    {"os": "macos-latest", "node": "12"},
    {"os": "windows-latest", "node": "14"},
    {"os": "windows-latest", "node": "12"},
)
PRETTIER_FULL = {"os": "ubuntu-latest", "node": "16"}


def prettier_nodes() -> list[str]:
    """The versions that the original tests on Linux."""
    return [
        node
        for os in PRETTIER_AXES["os"]
        for node in PRETTIER_AXES["node"]
        if {"os": os, "node": node} not in PRETTIER_EXCLUDED and os == PRETTIER_FULL["os"]
    ]


def prettier_test_steps(node: str) -> list[str]:
    """The steps of `test` with one version, on Linux."""
    return [
        *(["yarn config set ignore-engines true"] if node == "10" else []),
        "yarn test:dist --maxWorkers=2",
        "yarn test:dist-standalone --maxWorkers=2",
        "yarn test tests/integration/__tests__/(config|plugin)",
    ]


PRETTIER_JOBS = {
    "build": ["yarn install --frozen-lockfile", "yarn build"],
    "lint": ["yarn lint:dist"],
}

# `build` of each entry of the matrix's `include` that runs on ubuntu: toolchain and target.
RIPGREP_BUILDS = {
    "pinned": ("1.79.0", ""),
    "stable": ("stable", ""),
    "beta": ("beta", ""),
    "nightly": ("nightly", ""),
    "stable-musl": ("stable", "x86_64-unknown-linux-musl"),
    "stable-x86": ("stable", "i686-unknown-linux-gnu"),
    "stable-aarch64": ("stable", "aarch64-unknown-linux-gnu"),
    "stable-arm-gnueabihf": ("stable", "armv7-unknown-linux-gnueabihf"),
    "stable-arm-musleabihf": ("stable", "armv7-unknown-linux-musleabihf"),
    "stable-arm-musleabi": ("stable", "armv7-unknown-linux-musleabi"),
    "stable-powerpc64": ("stable", "powerpc64-unknown-linux-gnu"),
    "stable-s390x": ("stable", "s390x-unknown-linux-gnu"),
}


def ripgrep_test_steps(target: str) -> list[str]:
    """The steps of `test` for one entry: CARGO and TARGET_FLAGS put in."""
    cargo = "cross" if target else "cargo"
    flags = f" --target {target}" if target else ""
    features = "" if target else " --features pcre2"
    crate = "crates/cli/Cargo.toml"
    return [
        f"{cargo} build --verbose --workspace{flags}",
        f"{cargo} build --verbose --workspace --features pcre2{flags}",
        f"{cargo} test --verbose --workspace{features}{flags}",
        *([] if target else ["test-complete"]),
        f"{cargo} test --manifest-path {crate}{flags} --lib print_hostname -- --nocapture",
        f"{cargo} test --bin rg{flags} flags::defs::tests::available_shorts -- --nocapture",
    ]


RIPGREP_JOBS = {
    "packages": ["ubuntu-install-packages"],
    "wasm": ["rustup target add wasm32-wasi", "cargo build --verbose"],
    "rustfmt": ["cargo fmt --all --check"],
    "docs": ["cargo doc --no-deps --document-private-items --workspace"],
}
