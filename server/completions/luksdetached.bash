# Completion for bash: the program itself says what could come next (server/completions.h).
_luksdetached() {
  local cur prev words cword split
  _init_completion -s -n : || return
  local answer
  mapfile -t answer < <("$1" complete "${words[@]:1:cword}" 2>/dev/null)
  # readline completes only what is behind the "=" of --option=value.
  if [[ ${answer[0]} == files* ]]; then
    local prefix=${answer[0]#files }
    ! $split || prefix=${prefix#--*=}
    cur=${cur#"$prefix"}
    _filedir
    # Behind a prefix readline does not see that it is a folder.
    [[ -z $prefix || ! -d ${COMPREPLY[0]} ]] || { compopt -o nospace && COMPREPLY[0]+=/; }
    COMPREPLY=("${COMPREPLY[@]/#/"$prefix"}")
  else
    local names=("${answer[@]:1}")
    names=("${names[@]%%$'\t'*}")
    ! $split || names=("${names[@]#--*=}")
    mapfile -t COMPREPLY < <(compgen -W "${names[*]}" -- "$cur")
  fi
} && complete -F _luksdetached luksdetached
