/**
 * What `mqlite completion` prints. The scripts know nothing of commands: they ask `mqlite completion candidates`, so that they never grow old. It answers
 * VALUE<tab>DESCRIPTION lines, or `:files`, `:directories` (behind a tab: what stands before the path in the same word).
 */
const BASH = `# bash completion for mqlite. In ~/.bashrc: source <(mqlite completion bash)
_mqlite() {
  local IFS=$'\\n' glued=() word previous='' index answer value values=() current cut kind
  # bash takes words apart at ":" and "="; they are put together again.
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if ((\${#glued[@]} > 0)) && [[ $word == [:=]* || $previous == *[:=] ]] && [[ \${COMP_LINE} == *"$previous$word"* ]]; then
      glued[\${#glued[@]}-1]+=$word
    else
      glued+=("$word")
    fi
    previous=\${glued[\${#glued[@]}-1]}
  done
  ((\${#glued[@]} > 0)) || glued=('')
  current=\${glued[\${#glued[@]}-1]}
  # A quote that is open, or a backslash, belongs to bash.
  current=\${current#[\\"\\']}
  glued[\${#glued[@]}-1]=\${current//\\\\/}
  answer=$(mqlite completion candidates -- "\${glued[@]}" 2>/dev/null) || return 0
  COMPREPLY=()
  case $answer in
    :*)
      kind=-f
      [[ $answer == :directories* ]] && kind=-d
      cut=\${COMP_WORDS[COMP_CWORD]}
      [[ $cut == '=' ]] && cut=''
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do
        [[ -n $value ]] && COMPREPLY+=("$value")
      done <<< "$(compgen $kind -- "$cut")"
      return 0
      ;;
  esac
  # Line by line: a value may look like a pattern of file names. mapfile is not in bash 3.2.
  while IFS= read -r value; do
    [[ -n $value ]] && values+=("\${value%%$'\\t'*}")
  done <<< "$answer"
  # What bash has cut off already is not repeated.
  cut=''
  [[ $COMP_WORDBREAKS == *=* && $current == *=* ]] && cut=\${current%"\${current##*=}"}
  [[ $COMP_WORDBREAKS == *:* && \${current#"$cut"} == *:* ]] && cut=\${current%"\${current##*:}"}
  for value in "\${values[@]}"; do
    value=\${value#"$cut"}
    [[ $value == *= ]] && compopt -o nospace 2>/dev/null
    COMPREPLY+=("$(printf %q "$value")")
  done
}
complete -F _mqlite mqlite
`;

const ZSH = `#compdef mqlite
# zsh completion for mqlite. In ~/.zshrc, behind compinit: source <(mqlite completion zsh)
_mqlite() {
  local answer line value
  local -a answers described unfinished typed
  typed=("\${(@)words[2,CURRENT]}")
  typed[-1]=\${(Q)PREFIX}
  answer=$(mqlite completion candidates -- "\${(@)typed}" 2>/dev/null) || return 1
  [[ -n $answer ]] || return 1
  if [[ $answer == :* ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if [[ $answer == :directories* ]]; then _files -/; else _files; fi
    return
  fi
  answers=("\${(@f)answer}")
  for line in $answers; do
    value=\${line%%$'\\t'*}
    # A colon would begin the description.
    line=\${value//:/\\\\:}:\${line#*$'\\t'}
    if [[ $value == *= ]]; then unfinished+=("$line"); else described+=("$line"); fi
  done
  (( \${#described} )) && _describe -t values mqlite described
  (( \${#unfinished} )) && _describe -t settings setting unfinished -S ''
  return 0
}
if [[ \${funcstack[1]} == _mqlite ]]; then
  _mqlite "$@"
else
  compdef _mqlite mqlite
fi
`;

const FISH = `# fish completion for mqlite: mqlite completion fish > ~/.config/fish/completions/mqlite.fish
function __mqlite_candidates
    set -l typed (commandline -opc)
    set -e typed[1]
    set -l current (commandline -ct | string unescape)
    set -l answer (mqlite completion candidates -- $typed "$current" 2>/dev/null)
    if string match -q ':*' -- "$answer[1]"
        set -l parts (string split \\t -- $answer[1])
        set -l before "$parts[2]"
        set -l path (string sub -s (math (string length -- "$before") + 1) -- "$current")
        if string match -q ':directories*' -- $parts[1]
            for found in (__fish_complete_directories "$path" '')
                printf '%s%s\\n' "$before" $found
            end
        else
            for found in (__fish_complete_path "$path")
                printf '%s%s\\n' "$before" $found
            end
        end
        return
    end
    printf '%s\\n' $answer
end
complete -c mqlite -f -a '(__mqlite_candidates)'
`;

export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
