// Which word somebody may have meant.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace luksdetached {

/// The one of `known` that is most like `word`, or an empty string when none is: so like it that
/// two characters at most are missing, too many or others, of a word of more than that. Case and
/// the difference of '-' and '_' do not count.
std::string near_miss(std::string_view word, const std::set<std::string>& known);

}  // namespace luksdetached
