#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace luksdetached {
namespace {

TEST(Exposition, WritesAMetricAndItsSamples) {
  Exposition metrics;
  metrics.begin("dogs_total", Exposition::Type::counter, "How many there were.");
  metrics.sample({{"name", "Rex"}, {"size", "large"}}, std::uint64_t{3});
  metrics.sample({{"name", "Tom"}}, std::uint64_t{0});
  metrics.begin("temperature", Exposition::Type::gauge, "Outside.");
  metrics.sample({}, 20.5);
  EXPECT_EQ(metrics.text(),
            "# HELP dogs_total How many there were.\n"
            "# TYPE dogs_total counter\n"
            "dogs_total{name=\"Rex\",size=\"large\"} 3\n"
            "dogs_total{name=\"Tom\"} 0\n"
            "# HELP temperature Outside.\n"
            "# TYPE temperature gauge\n"
            "temperature 20.5\n");
}

TEST(Exposition, WritesTheParts) {
  Exposition metrics;
  metrics.begin("length", Exposition::Type::histogram, "Of dogs.");
  metrics.part("_bucket", {{"le", "+Inf"}}, std::uint64_t{2});
  metrics.part("_sum", {}, 1.25);
  EXPECT_EQ(metrics.text(),
            "# HELP length Of dogs.\n# TYPE length histogram\n"
            "length_bucket{le=\"+Inf\"} 2\nlength_sum 1.25\n");
}

// A name could else end its label and be a sample of its own.
TEST(Exposition, EscapesWhatEndsALabel) {
  Exposition metrics;
  metrics.begin("m", Exposition::Type::gauge, "h");
  metrics.sample({{"name", "a\"} 1\nb\\é"}}, std::uint64_t{1});
  EXPECT_EQ(metrics.text(), "# HELP m h\n# TYPE m gauge\nm{name=\"a\\\"} 1\\nb\\\\é\"} 1\n");
}

TEST(Exposition, EscapesWhatEndsHelp) {
  Exposition metrics;
  metrics.begin("m", Exposition::Type::gauge, "one \"line\"\nand \\ another");
  EXPECT_EQ(metrics.text(), "# HELP m one \"line\"\\nand \\\\ another\n# TYPE m gauge\n");
}

TEST(Exposition, LargeCountsKeepTheirDigits) {
  Exposition metrics;
  metrics.begin("m", Exposition::Type::counter, "h");
  metrics.sample({}, std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(metrics.text().ends_with("\nm 18446744073709551615\n"));
}

TEST(NumberText, IsTheShortestWithoutAnExponent) {
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(0.00005), "0.00005");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(10), "10");
  EXPECT_EQ(number_text(1795847586.729855), "1795847586.729855");
}

TEST(NumberText, HasRoomForEveryNumber) {
  EXPECT_EQ(number_text(std::numeric_limits<double>::max()).size(), 309u);
  EXPECT_EQ(std::stod(number_text(1e-300)), 1e-300);
  EXPECT_EQ(std::stod(number_text(std::numeric_limits<double>::min())),
            std::numeric_limits<double>::min());
}

}  // namespace
}  // namespace luksdetached
