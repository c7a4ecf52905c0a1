// The measurements of each file, for main. Their names are SECTION/WHAT/WHO: all that do the same
// are compared.
#pragma once

namespace luksdetached::bench {

void register_sector_ciphers();
void register_key_derivations();

}  // namespace luksdetached::bench
