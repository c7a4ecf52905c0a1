#include "source/open_source.h"

#include <utility>

#include "source/block_aligned_source.h"
#include "source/child_connector.h"
#include "source/file_source.h"
#include "source/nbd_source.h"
#include "source/uri.h"

namespace luksdetached {

std::unique_ptr<Source> open_source(const std::string& uri, const SourceOptions& options) {
  const Uri parsed = parse_uri(uri);
  if (parsed.scheme == Scheme::path) {
    return std::make_unique<FileSource>(parsed.path, options.access, options.lock);
  }
  check_tls_policy(parsed, options.insecure);
  const NbdHoles holes = options.holes ? NbdHoles::wanted : NbdHoles::unwanted;
  std::unique_ptr<NbdConnector> connector;
  if (parsed.scheme == Scheme::child) {
    connector = std::make_unique<ChildConnector>(parsed, options.access, options.insecure,
                                                 options.connections, holes, options.tell);
  } else {
    connector = std::make_unique<NbdAddress>(parsed, holes);
  }
  auto nbd = std::make_unique<NbdSource>(std::move(connector), options.access,
                                         NbdLinkOptions{.connections = options.connections,
                                                        .patience = options.reconnect_timeout,
                                                        .tell = options.tell});
  const std::size_t block = nbd->block_size();
  if (block == 1) return nbd;
  return std::make_unique<BlockAlignedSource>(std::move(nbd), block);
}

}  // namespace luksdetached
