#include "status/metrics_report.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "metrics/exposition.h"
#include "metrics/process_metrics.h"
#include "metrics/request_counters.h"

namespace luksdetached {

namespace {

using Type = Exposition::Type;

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// What was counted for one operation of one export, all of it at one time.
struct Sample {
  std::string_view export_name;
  Operation operation;
  OperationCount count;
};

std::vector<Sample> count_all(const std::vector<ExportStatus>& exports) {
  std::vector<Sample> samples;
  samples.reserve(exports.size() * all_operations.size());
  for (const ExportStatus& one : exports) {
    if (!one.requests) continue;
    for (const Operation operation : all_operations) {
      samples.push_back({one.name, operation, one.requests->count(operation)});
    }
  }
  return samples;
}

void add_histogram(Exposition& metrics, const Sample& sample) {
  const std::string_view name = sample.export_name;
  const std::string_view operation = operation_word(sample.operation);
  std::uint64_t up_to_here = 0;
  for (std::size_t n = 0; n < sample.count.by_duration.size(); ++n) {
    up_to_here += sample.count.by_duration[n];
    const std::string bound =
        n < duration_bounds.size() ? number_text(seconds(duration_bounds[n])) : "+Inf";
    metrics.part("_bucket", {{"export", name}, {"operation", operation}, {"le", bound}},
                 up_to_here);
  }
  metrics.part("_sum", {{"export", name}, {"operation", operation}},
               seconds(sample.count.duration));
  metrics.part("_count", {{"export", name}, {"operation", operation}}, up_to_here);
}

void add_requests(Exposition& metrics, const std::vector<ExportStatus>& exports) {
  const std::vector<Sample> samples = count_all(exports);
  const auto add = [&](const Sample& sample, std::uint64_t value) {
    metrics.sample(
        {{"export", sample.export_name}, {"operation", operation_word(sample.operation)}}, value);
  };
  metrics.begin("luksdetached_requests_total", Type::counter,
                "Requests of clients that have ended, with or without success.");
  for (const Sample& sample : samples) add(sample, sample.count.requests);
  metrics.begin("luksdetached_errors_total", Type::counter, "Requests of clients that failed.");
  for (const Sample& sample : samples) add(sample, sample.count.errors);
  metrics.begin("luksdetached_bytes_total", Type::counter,
                "Bytes that requests of clients were about, of those that succeeded.");
  for (const Sample& sample : samples) {
    if (has_bytes(sample.operation)) add(sample, sample.count.bytes);
  }
  metrics.begin("luksdetached_request_duration_seconds", Type::histogram,
                "How long requests of clients took; only of operations that there were.");
  for (const Sample& sample : samples) {
    if (sample.count.requests != 0) add_histogram(metrics, sample);
  }
}

void add_states(Exposition& metrics, const std::vector<ExportStatus>& exports) {
  constexpr std::array states = {ExportState::waiting, ExportState::open, ExportState::failed};
  metrics.begin("luksdetached_export_state", Type::gauge,
                "1 for the state in which the export is, 0 for the others.");
  for (const ExportStatus& one : exports) {
    for (const ExportState state : states) {
      metrics.sample({{"export", one.name}, {"state", state_word(state)}},
                     std::uint64_t{one.state == state});
    }
  }
  metrics.begin("luksdetached_export_clients", Type::gauge, "Connections of clients.");
  for (const ExportStatus& one : exports) {
    metrics.sample({{"export", one.name}}, std::uint64_t{one.clients});
  }
  metrics.begin("luksdetached_source_reconnects_total", Type::counter,
                "How many times the payload's server went away and came back.");
  for (const ExportStatus& one : exports) {
    metrics.sample({{"export", one.name}}, one.reconnects);
  }
  metrics.begin("luksdetached_unlock_seconds", Type::gauge,
                "How long it took to open the export: its header, its payload, its key.");
  for (const ExportStatus& one : exports) {
    if (one.unlocked) metrics.sample({{"export", one.name}}, seconds(one.unlocked->duration));
  }
}

void add_reloads(Exposition& metrics, const ReloadStatus& reload) {
  metrics.begin("luksdetached_reloads_total", Type::counter,
                "How many times the service was told to follow its config.");
  metrics.sample({}, std::uint64_t{reload.reloads});
  metrics.begin("luksdetached_reload_errors_total", Type::counter,
                "How many times it did not, because of a mistake.");
  metrics.sample({}, std::uint64_t{reload.failures});
  metrics.begin("luksdetached_last_reload_successful", Type::gauge,
                "0 when it did not the last time, else 1.");
  metrics.sample({}, std::uint64_t{reload.error.empty()});
}

}  // namespace

std::string metrics_report(const std::vector<ExportStatus>& exports, const ReloadStatus& reload) {
  Exposition metrics;
  metrics.begin("luksdetached_build_info", Type::gauge, "The version that runs.");
  metrics.sample({{"version", LUKSDETACHED_VERSION}}, std::uint64_t{1});
  add_states(metrics, exports);
  add_requests(metrics, exports);
  add_reloads(metrics, reload);
  add_process_metrics(metrics);
  return metrics.text();
}

}  // namespace luksdetached
