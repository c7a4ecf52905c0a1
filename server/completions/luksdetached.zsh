#compdef luksdetached
# Completion for zsh: the program itself says what could come next (server/completions.h).
local -a answer
answer=("${(@f)$(${(Q)words[1]} complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
if [[ $answer[1] == files* ]]; then
  local prefix=${answer[1]#files }
  ! compset -P "${(b)prefix}" || prefix=
  _files -P "$prefix"
else
  answer=("${(@)answer[2,-1]/$'\t'/:}")
  _describe luksdetached answer
fi
