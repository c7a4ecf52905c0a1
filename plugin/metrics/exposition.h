// The text format in which Prometheus reads metrics.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace luksdetached {

/// Writes metrics in the Prometheus text format 0.0.4: `begin` for a metric, its samples, then the
/// next metric. Names are the caller's to get right. Values of labels and help are UTF-8, and are
/// escaped.
class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  enum class Type { counter, gauge, histogram };

  /// A metric; `help` is one sentence about it.
  void begin(std::string_view name, Type type, std::string_view help);

  /// A value of it.
  void sample(Labels labels, std::uint64_t value) { part("", labels, value); }
  void sample(Labels labels, double value) { part("", labels, value); }

  /// A value of a part of a histogram: `suffix` is "_bucket", "_sum" or "_count".
  void part(std::string_view suffix, Labels labels, std::uint64_t value);
  void part(std::string_view suffix, Labels labels, double value);

  /// Everything written so far.
  const std::string& text() const noexcept { return text_; }

 private:
  void put_name(std::string_view suffix, Labels labels);

  std::string text_;
  std::string name_;  // of the metric that was begun
};

/// The shortest decimal without an exponent that is read as the same number, which is finite.
std::string number_text(double value);

}  // namespace luksdetached
