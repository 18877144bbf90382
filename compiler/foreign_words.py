"""What other tools call the things that this language has, so that newcomers are told our words.

The words are those of make, just, Task, Snakemake, GitHub Actions, GitLab CI, Compose and of
programming languages.
"""

from collections.abc import Collection, Mapping

from orch.dsl.suggest import near_miss

_OURS: Mapping[str, tuple[str, ...]] = {
    "run": ("script", "scripts", "command", "commands", "cmd", "cmds", "recipe", "entrypoint"),
    "needs": ("depends", "depends_on", "deps", "dependencies", "requires", "after", "prereqs"),
    "env": ("environment", "environ", "envs", "variables", "vars"),
    "when": ("if", "only", "unless", "condition"),
    "cwd": ("dir", "directory", "workdir", "working_dir", "working_directory", "chdir"),
    "title": ("name", "label", "display_name"),
    "description": ("desc", "summary", "about"),
    "help": ("description", "desc", "doc", "docs"),
    "inputs": ("input", "sources", "src", "reads"),
    "outputs": ("output", "generates", "creates", "writes"),
    "timeout": ("timeout_minutes", "time_limit", "max_time"),
    "allow_failure": ("continue_on_error", "ignore_error", "ignore_errors"),
    "retry": ("retries",),
    "attempts": ("max_attempts", "tries", "times", "max"),
    "concurrency": ("jobs", "parallel", "workers", "max_parallel"),
    "slots": ("size", "capacity", "limit"),
    "in": ("choices", "options", "enum", "allowed", "values"),
    "matches": ("pattern", "regex", "regexp"),
    "with": ("args", "arguments", "inputs", "params"),
    "ready": ("healthcheck", "health", "readiness", "probe"),
    "exec": ("test", "cmd", "command"),
    "http": ("url", "https", "http_get"),
    "tcp": ("port",),
    "log": ("log_line", "logs"),
    "matrix": ("strategy", "parallel", "foreach", "for_each"),
    "stage": ("task", "job", "step", "rule", "recipe", "target", "stages", "node"),
    "service": ("services", "container", "daemon"),
    "finally": ("always", "cleanup", "teardown", "after", "defer"),
    "use": ("import", "include", "includes", "module", "extends"),
    "param": ("parameter", "parameters", "input", "inputs", "arg", "argument"),
    "let": ("var", "vars", "variable", "const", "set", "local", "locals"),
    "pool": ("resource", "semaphore"),
    "policy": ("policies", "settings", "defaults", "options"),
    "pipeline": ("workflow", "name", "project"),
    "string": ("str", "text"),
    "int": ("integer", "number", "long"),
    "float": ("double", "number", "decimal"),
    "bool": ("boolean", "flag"),
    "path": ("file", "dir", "directory", "filename"),
    "list": ("array", "set", "tuple", "vector"),
    "map": ("dict", "object", "hash", "table"),
}


def meant_word(word: str, known: Collection[str]) -> str | None:
    """The known word that was probably meant: what another tool calls it, or a near miss."""
    folded = word.casefold().replace("-", "_")
    for ours, theirs in _OURS.items():
        if folded in theirs and ours in known:
            return ours
    return near_miss(word, known)
