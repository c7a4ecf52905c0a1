# Completion for fish: the program itself says what could come next (server/completions.h).
function __luksdetached_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --cut-at-cursor --current-token)
    set -l answer ($words[1] complete $words[2..] "$word" 2>/dev/null)
    if string match --quiet 'files*' -- $answer[1]
        set -l prefix (string replace 'files ' '' -- $answer[1])
        set -l begun (string replace -- "$prefix" '' "$word")
        printf "$prefix%s\n" (__fish_complete_path "$begun")
    else
        printf '%s\n' $answer[2..]
    end
end
complete --command luksdetached --no-files --arguments '(__luksdetached_complete)'
