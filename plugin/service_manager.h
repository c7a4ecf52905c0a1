// Tells the service manager, as systemd, how the service is: sd_notify(3).
#pragma once

#include <string>
#include <vector>

#include "export/export.h"

namespace luksdetached {

/// Each of these does nothing where no service manager has asked for it (NOTIFY_SOCKET), and waits
/// a second at most for one that does not listen. From any thread.
///
/// There is no keepalive for systemd's watchdog: no thread of ours lives exactly as long as clients
/// are served.

/// Clients can come: at the start, and after a reload. `status` is a line for people.
void notify_ready(const std::string& status);
/// What is said of the service changes.
void notify_status(const std::string& status);
/// The config is read again. `notify_ready` ends it.
void notify_reloading();
/// The service is to end.
void notify_stopping();

/// The line for people: "3 exports: 2 open, 1 failed".
std::string status_line(const std::vector<ExportStatus>& exports);

}  // namespace luksdetached
