"""Scripts as people write them, for mutations: none of them does more than print, if that."""

SCRIPTS = (
    """
set -eu
version="{{v}}"
if [ -z "$version" ]; then
  echo "no version" >&2
  exit 1
fi
git tag -a "v$version" -m 'Release {{v}}'
git push origin "v${version}"
""",
    """
for file in src/*.py {{v}}; do
  case "$file" in
    *_test.py) echo "test: $file" ;;
    (*.py|*.pyi) echo "source: ${file##*/} {{v}}" ;;
  esac
done
""",
    """
docker build --build-arg VERSION={{v}} -t "registry.example/app:{{v}}" . # it's built
docker run --rm -e NAME='{{v}}' app:latest sh -c 'echo "$NAME"' | tee log.txt
""",
    """
log() { printf '%s %s\\n' "$1" "$2" >&2; }
log info "start {{v}}"
count=0
while [ $count -lt 3 ]; do
  count=$((count + 1))
  curl --retry 2 "https://example.org/{{v}}" && break || log warn {{v}}
done
""",
    """
tmp=$(mktemp -d)
cat > "$tmp/config" <<EOF
name = $NAME
path = `pwd`
EOF
tar -C "$tmp" -czf dist/app-{{v}}.tar.gz . && (cd dist && sha256sum *.tar.gz)
rm -rf -- "$tmp"
""",
    """
PYTHONPATH=src python -m pytest -q -k "{{v}}" --junitxml=out/'{{v}}'.xml 2>&1 | tail -n 20
status=$?
[ "$status" = 0 ] || { echo "failed: {{v}}"; exit $status; }
""",
    """
export RELEASE={{v}} STAGE="prod-{{v}}"
{ echo "release: $RELEASE"; echo 'stage: {{v}}'; } > notes.txt
grep -q "^release: {{v}}" notes.txt && echo found || echo none
""",
    """
first=$(printf '%s' "{{v}}" | cut -d. -f1)
echo "major is ${first:-0}, all is $(echo "$(printf %s {{v}})")"
test -d "build/{{v}}" || mkdir -p build/{{v}}
""",
)

BASH_SCRIPTS = (
    *SCRIPTS,
    """
declare -r root="$PWD"
files=(a.txt "{{v}}" 'b {{v}}')
for file in "${files[@]}"; do
  [[ -n $file && ! $file == *.tmp ]] && echo "${file%.*} {{v}}"
done
""",
    """
main() {
  local name="{{v}}" n=0
  while IFS= read -r line; do
    (( n += 1 ))
    echo "$n: $line"
  done < <(printf '%s\\n' a b c)
  if [[ $name =~ ^v[0-9]+ ]]; then echo yes; fi
}
main {{v}}
""",
    """
shopt -s nullglob
for ((i = 0; i < 2; i++)); do echo "$i" {{v}}; done
cat <<< "{{v}}" > out.txt
diff <(echo a) <(echo '{{v}}') || true
""",
)

FRAGMENTS = (
    "'", '"', "`", "$(", ")", "${x:-", "${x}", "}", "$((", "))", "<<E\n", "\nE\n", "\\", " # ",
    "\n", " ", "; ", " && ", " | ", "case x in ", " x) ", " ;; ", " esac\n", "{ ", "; }\n", "(",
    "echo ", "a=", "$", "$x", "$'", " > o ", "\\\n", "if true; then ", "; fi\n", "for i in a ",
    "; do ", "; done\n", "f() ", "{{v}}", "{{v}}", ' "{{v}}" ', " '{{v}}' ", "x", "[", "]", "a[",
    "]=1", "((", "[[ ", " ]]", " -eq ", " -v ", "<<<", "<(", "export ", "local ", "set -- ",
    "read x ", "let ", "declare -i n\n", "n=", "a=(", "printf ", "test ", "[ ", "$n", "${a[",
    "${!", "trap ", "unset ", "RANDOM=", "alias a=", "coproc ", "function g ", "select i in ",
    "time ", "! ", "&", "*", "?", "~", "eval ", '$"', "$[", "=~ ", "@(", "|&", ">&", "1>", "EOF",
    "\t", "\r", ";&", "in ", "do ", "*)",
)  # fmt: skip
"""What mutations put in: all that opens, closes or changes the way in which a shell reads."""

DANGERS = (
    "a[{{v}}]=1\n", "a[b[0]+{{v}}]=1\n", "a[1 + {{v}}]=1\n", "echo $(( {{v}} ))\n",
    "RANDOM={{v}}\n", "[[ {{v}} -eq 1 ]]\n", "echo `echo {{v}}`\n", ": <<E\n{{v}}\nE\n",
    "declare -i n; n={{v}}\n", "x={{v}}; echo $((x))\n", "printf -v {{v}} x\n",
    "unset 'a[{{v}}]'\n", "test -v {{v}}\n", "eval {{v}}\n", "trap {{v}} EXIT\n",
    "PS4={{v}}; set -x; :\n", "echo ${x:-{{v}}}\n", "echo $'{{v}}'\n", "alias x={{v}}\nx\n",
    "read {{v}}\n", "let {{v}}\n", "export {{v}}\n", "for SECONDS in {{v}}; do :; done\n",
    "echo ${a[{{v}}]}\n", "x=([{{v}}]=1)\n", "set {{v}}\n",
    "f() { local a; a=(1); local a={{v}}; }; f\n", "f() { echo $(($1)); }; f {{v}}\n",
    "x={{v}}; echo ${!x} ${x@P}\n", "{{v}}=1\n", "read x <<< {{v}}; echo $((x))\n",
    "[ {{v}} {{v}} ]\n", "x=$(echo {{v}}); y=$x; (( y ))\n", "echo ${x:{{v}}}\n", "# {{v}}\n",
    "(( x = {{v}} ))\n", "printf '%n' {{v}}\n", "printf {{v}} {{v}}\n", "$(echo {{v}})\n",
    "[[ a =~ {{v}} ]]\n", "case x in {{v}}) ;; esac\n", "source <(echo {{v}})\n",
    "wait -p {{v}}\n", "mapfile -C {{v}} a\n", "echo {1..{{v}}}\n", "exec {a[{{v}}]}>o\n",
    "echo $[{{v}}]\n", 'f() { eval "$1"; }; f {{v}}\n',
)  # fmt: skip
"""Lines in which a shell would run a value: refused, or a lint, whatever stands around them."""

ATTACKS = (
    "$(: >PWNED)", "`: >PWNED`", "'; : >PWNED; '", '"; : >PWNED; "', "\n: >PWNED\n",
    "; : >PWNED #", "); : >PWNED; (", "x\nE\n: >PWNED\n", "x\nEOF\n: >PWNED\n", "\\", "'", '"',
    "}; : >PWNED; {", "))$(: >PWNED)((", "a[$(: >PWNED)]", "x[$(: >PWNED)0]=1", "& : >PWNED &",
    "| : >PWNED", "]=$(: >PWNED)", "-v a[$(: >PWNED)]", "*) : >PWNED ;;", "\\\n: >PWNED",
    "'$(: >PWNED)'", '"$(: >PWNED)"', "${x:=$(: >PWNED)}", "$'\\n: >PWNED'", "=$(: >PWNED)",
    "\r\n: >PWNED\r\n", "1+a[$(: >PWNED)]",
)  # fmt: skip
"""Each would make the file PWNED if the place in which it stands were read as code."""
