#include "log/audit_line.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

TEST(AuditLineTest, HasItsFieldsInOrder) {
  AuditLine line("open");
  line.text("export", "vm 1").word("peer", "unix").number("uid", 1000);
  EXPECT_EQ(line.line(), "audit event=open export=\"vm 1\" peer=unix uid=1000");
}

TEST(AuditLineTest, AHostileNameForgesNoFieldAndNoLine) {
  AuditLine line("refusal");
  line.text("export", "x\" uid=0 y=\"\naudit event=open").word("peer", "unix");
  EXPECT_EQ(line.line(),
            "audit event=refusal export=\"x\\\" uid=0 y=\\\"\\x0aaudit event=open\" peer=unix");
}

TEST(AuditLineTest, LongTextIsCut) {
  AuditLine line("refusal");
  line.text("export", std::string(4096, '"'), 10);
  EXPECT_EQ(line.line(), R"(audit event=refusal export="\"\"\"\"\"…")");
}

}  // namespace
}  // namespace luksdetached
