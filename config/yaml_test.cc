// Tests of the YAML tree, its positions, what it refuses, and of ${...}.
#include "config/yaml.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/variables.h"
#include "engine/base/random.h"

namespace ebb {
namespace {

std::string At(Position p) { return fmt::format("{}:{}", p.line, p.column); }
std::string Range(Span s) { return At(s.begin) + "-" + At(s.end); }

YamlNode Parse(const std::string& text) {
  Diagnostics d("t", text);
  std::optional<YamlNode> root = ParseYaml(text, &d);
  EXPECT_TRUE(d.empty() && root) << RenderText(d);
  return root ? *root : YamlNode();
}

TEST(YamlTest, TreeKnowsItsPlaces) {
  YamlNode root = Parse("a: 1\nb:\n  - x\n  - {k: 'v', \u00e4\u5ba2: \"w\"}\nc:\n");
  ASSERT_TRUE(root.is_mapping());
  EXPECT_EQ(Range(root.keys[0].span), "1:1-1:2");
  EXPECT_EQ(Range(root.Find("a")->span), "1:4-1:5");
  const YamlNode& list = *root.Find("b");
  ASSERT_TRUE(list.is_sequence());
  EXPECT_EQ(Range(list.values[0].span), "3:5-3:6");
  const YamlNode& map = list.values[1];
  EXPECT_EQ(Range(map.Find("k")->span), "4:9-4:12");
  EXPECT_EQ(map.Find("k")->style, YamlNode::Style::kSingleQuoted);
  EXPECT_EQ(Range(map.Find("\u00e4\u5ba2")->span), "4:18-4:21");  // characters, not bytes
  EXPECT_TRUE(root.Find("c")->is_blank());
  EXPECT_EQ(root.Find("d"), nullptr);
}

TEST(YamlTest, PartsOfScalars) {
  struct Case {
    std::string text, part, place;
  };
  const Case kCases[] = {
      {"k: ab cd\n", "cd", "1:7-1:9"},
      {"k: 'a''b cd'\n", "cd", "1:10-1:12"},
      {"k: \"a\\\"b\\u0041\\x41\\n cd\"\n", "cd", "1:22-1:24"},
      {"k: ab\n  cd\n\n  ef\n", "ef", "4:3-4:5"},
      {"k: \u5ba2 cd\n", "cd", "1:6-1:8"},
      {"k: >\n  ab\n  cd\n", "cd", "1:4-1:5"},
      {"\xEF\xBB\xBFk: ab cd\r\n", "cd", "1:7-1:9"},
      {"x: 1\r\nk: ab cd\r\n", "cd", "2:7-2:9"},
  };
  for (const Case& c : kCases) {
    YamlNode root = Parse(c.text);
    const YamlNode& node = *root.Find("k");
    size_t at = node.text.find(c.part);
    ASSERT_NE(at, std::string::npos) << node.text;
    EXPECT_EQ(Range(node.PartOf(at, at + c.part.size())), c.place) << c.text;
    EXPECT_EQ(node.places.size(), node.text.size() + 1);
  }
}

TEST(YamlTest, RefusesWithAPlace) {
  struct Case {
    std::string text, code, place;
  };
  const Case kCases[] = {
      {"a: 1\na: 2\n", "E0007", "2:1"},
      {"a: {b: 1, b: 2}\n", "E0007", "1:11"},
      {"a: \"x\nb: 2\n", "E0005", "1:4"},
      {"a: 'x\nb: 'y'\n", "E0005", "1:4"},
      {"a: 'x\n  y'\n", "E0005", "1:4"},
      {"a: 1\nb: \"", "E0005", "2:4"},
      {"a:\n\tb: 1\n", "E0004", "2:1"},
      {"a:\n  b: 1\n \tc: 1\n", "E0004", "3:2"},
      {"a:\n  b: 1\n c: 2\n", "E0006", "3:2"},
      {"a: [1, 2\nb: 3\n", "E0006", "2:2"},
      {"a: b: c\n", "E0006", "1:5"},
      {"a: @x\n", "E0006", "1:4"},
      {"a: \"\\q\"\n", "E0006", "1:5"},
      {"a: 1\n---\nb: 2\n", "E0010", "2:1"},
      {"a: &x 1\n", "E0008", "1:4"},
      {"a: *x\n", "E0008", "1:4"},
      {"a: !t 1\n", "E0009", "1:4"},
      {"a: !!int 1\n", "E0009", "1:4"},
      {"", "E0012", "1:1"},
      {"---\n", "E0012", "1:1"},
      {"# only\n", "E0012", "1:1"},
      {"a: \xff\n", "E0003", "1:4"},
      {"\u00e4: \xc3(\n", "E0003", "1:4"},
      {std::string("a: \0b\n", 6), "E0003", "1:4"},
      {"a: x\x1by\n", "E0003", "1:5"},
      {"a: \xed\xa0\x80\n", "E0003", "1:4"},
      {"a: \xc0\x80\n", "E0003", "1:4"},
      {"? [a]\n: b\n", "E0103", "1:3"},
      {std::string(70, '[') + std::string(70, ']'), "E0011", "1:66"},
      {std::string(200000, '['), "E0011", "1:66"},
      {std::string(kMaxYamlBytes + 1, 'a'), "E0002", "0:0"},
  };
  for (const Case& c : kCases) {
    Diagnostics d("t", c.text);
    ParseYaml(c.text, &d);
    ASSERT_EQ(d.size(), 1u) << c.text.substr(0, 80) << "\n" << RenderText(d).substr(0, 2000);
    EXPECT_EQ(d.Sorted()[0].code, c.code) << c.text.substr(0, 80);
    EXPECT_EQ(At(d.Sorted()[0].span.begin), c.place) << c.text.substr(0, 80);
  }
}

TEST(YamlTest, AcceptsWhatPeopleWrite) {
  for (std::string text : {"a: 1\n", "a: 'it''s'\n", "a: |\n  x\ty\n", "{a: 1, b: [x, y]}", "a: {b:\n    1}\n",
                           "---\na: 1\n", "---\na: 1\n...\n", "a: 1 # comment\n", "a: \"\\x1b\"\n", "a:\tb\n"}) {
    Parse(text);
  }
}

// Whatever the bytes, an answer with places inside the file.
TEST(YamlTest, MutatedTextNeverCrashes) {
  const std::string kSeedText =
      "a: 1\nb: {c: \"x\\n${Y:-z}\", d: ['e', f]}\ng:\n  - h: |\n      text\n    i: >-\n      more\n  - *j\nk: &l !m "
      "n\n";
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    Random random(seed);
    std::string text = kSeedText;
    for (uint64_t edits = 1 + random.Below(4); edits > 0; --edits) {
      size_t at = random.Below(text.size());
      static constexpr std::string_view kBytes = "\"'{}[]:,-&*!|>#%@`\n\t \\$\xff\xc3\x80\x01";
      switch (random.Below(3)) {
        case 0:
          text[at] = kBytes[random.Below(kBytes.size())];
          break;
        case 1:
          text.erase(at, 1 + random.Below(6));
          break;
        default:
          text.insert(at, 1, kBytes[random.Below(kBytes.size())]);
          break;
      }
      if (text.empty()) text = "x";
    }
    Diagnostics d("t", text);
    std::optional<YamlNode> root = ParseYaml(text, &d);
    EXPECT_TRUE(root || !d.empty()) << "seed " << seed;
    if (root) ResolveVariables({[](const std::string&) { return std::nullopt; }, "/"}, &*root, &d);
    EXPECT_FALSE(RenderText(d).empty() && !d.empty());
    RenderJson(d);
  }
}

std::string Resolve(const std::string& value, std::string* errors, bool* secret, const std::string& folder = "") {
  const std::string text = "k: \"" + value + "\"\n";
  Diagnostics d("t", text);
  std::optional<YamlNode> root = ParseYaml(text, &d);
  VariableSource source{[](const std::string& name) -> std::optional<std::string> {
                          if (name == "SET") return "value";
                          if (name == "EMPTY") return "";
                          if (name == "BAD") return "\xff";
                          return std::nullopt;
                        },
                        folder};
  ResolveVariables(source, &*root, &d);
  *errors = RenderText(d);
  const YamlNode& node = *root->Find("k");
  *secret = node.secret;
  EXPECT_EQ(node.places.size(), node.text.size() + 1);
  EXPECT_EQ(node.unknown, !d.empty());
  return node.text;
}

TEST(VariablesTest, Forms) {
  std::string errors;
  bool secret;
  const std::pair<std::string, std::string> kGood[] = {
      {"${SET}", "value"},      {"a ${SET} b ${SET}", "a value b value"},
      {"${UNSET:-x y}", "x y"}, {"${SET:-x}", "value"},
      {"${EMPTY:-x}", "x"},     {"[${EMPTY}]", "[]"},
      {"$${SET}", "${SET}"},    {"$SET", "$SET"},
      {"${UNSET:-}", ""},
  };
  for (const auto& [text, value] : kGood) {
    EXPECT_EQ(Resolve(text, &errors, &secret), value) << text;
    EXPECT_EQ(errors, "") << text;
    EXPECT_FALSE(secret);
  }
  const std::pair<std::string, std::string> kBad[] = {
      {"${UNSET}", "t:1:5: error E0013"},        {"a ${SET", "t:1:7: error E0014"}, {"${}", "t:1:5: error E0014"},
      {"${1A}", "t:1:5: error E0014"},           {"${A B}", "t:1:5: error E0014"},  {"${BAD}", "t:1:5: error E0014"},
      {"${file:/no/such}", "t:1:5: error E0014"}};
  for (const auto& [text, error] : kBad) {
    Resolve(text, &errors, &secret);
    EXPECT_THAT(errors, testing::StartsWith(error)) << text;
  }
}

TEST(VariablesTest, SecretFilesAreReadAndMarked) {
  std::string folder = testing::TempDir();
  std::ofstream(folder + "/ebb_secret") << "hunter2\n";
  std::ofstream(folder + "/ebb_large") << std::string(70000, 'x');
  std::string errors;
  bool secret;
  EXPECT_EQ(Resolve("${file:ebb_secret}", &errors, &secret, folder), "hunter2");
  EXPECT_TRUE(secret);
  EXPECT_EQ(errors, "");
  Resolve("${file:ebb_large}", &errors, &secret, folder);
  EXPECT_THAT(errors, testing::HasSubstr("E0014"));
  EXPECT_THAT(errors, testing::Not(testing::HasSubstr("xxxx")));
}

}  // namespace
}  // namespace ebb
