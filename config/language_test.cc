// The table of keys against the checker, by trying: each key is taken where the table says it stands, values of its
// shape pass, others are refused, words are exactly those of the table. And what is made of the table against the files
// in docs/; EBB_UPDATE_GOLDEN=1 writes those anew.
#include "config/language.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/expression_compile.h"
#include "config/pipeline.h"
#include "operators/aggregate/aggregate.h"

namespace ebb {
namespace {

// What stands in the file beside the section that is tried.
constexpr std::pair<std::string_view, std::string_view> kBase[] = {
    {"pipeline", "p"},
    {"entity", "{key: customer}"},
    {"sources", "{n: {file: f, time: {field: t, unit: ms}, fields: {n: {type: int}}}}"},
    {"windows", "{n: 7d}"},
    {"features", "{n: {from: n, agg: count, over: n}}"},
    {"scores", "{s: {model: scorecard, points: [{when: \"n > 1\", add: 1, reason: A}]}}"},
    {"alerts", "{n: {when: \"s > 0.5\"}}"},
};

struct Samples {
  std::vector<std::string> good, bad;
};

const Noun& NounOf(const std::string& name) {
  return *std::find_if(Nouns().begin(), Nouns().end(), [&](const Noun& n) { return n.name == name; });
}

Samples SamplesOf(const std::vector<Shape>& alternatives) {
  Samples out;
  bool mapping = false, any_text = false;
  std::string bad_text = "nonsense words";
  for (const Shape& shape : alternatives) {
    switch (shape.kind) {
      case Shape::Kind::kWord:
        out.good.push_back(shape.text);
        break;
      case Shape::Kind::kNoun: {
        const Noun& noun = NounOf(shape.text);
        out.good.push_back(fmt::format("\"{}\"", noun.good));
        any_text = any_text || noun.bad.empty();
        if (!noun.bad.empty()) bad_text = noun.bad;
        mapping = mapping || shape.text == "value";
        break;
      }
      case Shape::Kind::kInteger:
        out.good.insert(out.good.end(), {std::to_string(shape.low), std::to_string(shape.high)});
        out.bad.insert(out.bad.end(), {std::to_string(shape.low - 1), std::to_string(shape.high + 1)});
        break;
      case Shape::Kind::kSection:
        mapping = true;
        break;
      case Shape::Kind::kOneOrList: {
        const Samples inner = SamplesOf(shape.inner);
        for (const std::string& good : inner.good) {
          out.good.push_back(good);
          out.good.push_back(fmt::format("[{0}, {0}]", good));
        }
        any_text = any_text || std::find(inner.bad.begin(), inner.bad.end(), bad_text) == inner.bad.end();
        break;
      }
      case Shape::Kind::kList:
        for (const std::string& good : SamplesOf(shape.inner).good) out.good.push_back(fmt::format("[{0}, {0}]", good));
        break;
      case Shape::Kind::kMap:
        mapping = true;
        for (const std::string& good : SamplesOf(shape.inner).good) out.good.push_back(fmt::format("{{n: {}}}", good));
        break;
    }
  }
  if (!mapping) out.bad.push_back("{}");
  if (!any_text) out.bad.push_back(bad_text);
  return out;
}

struct Trial {
  std::string text;
  Span value;
};

// A file with `key: value` where the section stands.
Trial Try(const Section& section, const Key& key, const std::string& value) {
  // The form of the section that the key belongs to, and what that form demands.
  const std::vector<std::string_view> forms = SplitWords(section.one_of);
  std::string_view with = key.with.starts_with('!') ? "" : SplitWords(key.with.empty() ? " " : key.with)[0];
  const bool is_form = std::find(forms.begin(), forms.end(), key.name) != forms.end();
  if (with.empty() && !is_form && !forms.empty()) with = forms[0];
  std::string beside;
  for (const Key& other : section.keys) {
    const bool demanded = other.fallback == "required" && (other.with == with || other.with.empty());
    if (other.name == key.name || section.place.empty() || (other.name != with && !demanded)) continue;
    const Samples samples = SamplesOf(ParseShape(other.shape));
    if (!samples.good.empty()) beside += fmt::format("{}: {}, ", other.name, samples.good[0]);
  }
  std::string line = fmt::format("{}{}: \x01", beside, key.name);
  std::string place(section.place);
  while (!place.empty()) {
    const size_t dot = place.rfind('.');
    std::string name = place.substr(dot == std::string::npos ? 0 : dot + 1);
    place.resize(dot == std::string::npos ? 0 : dot);
    line = "{" + line + "}";
    if (name.ends_with("[]")) {
      line = "[" + line + "]";
      name.resize(name.size() - 2);
    }
    line = fmt::format("{}: {}", name == "*" ? "n" : name, line);
  }
  const int column = static_cast<int>(line.find('\x01')) + 1;
  line.replace(line.find('\x01'), 1, value);
  Trial trial{line + "\n", {{1, column}, {1, column + static_cast<int>(value.size())}}};
  for (auto [name, text] : kBase) {
    if (line.substr(0, line.find(':')) != name) trial.text += fmt::format("{}: {}\n", name, text);
  }
  return trial;
}

// Complaints about the form of the value, or about the key. A key that belongs to another aggregate may be refused
// without a look at its value.
std::vector<Diagnostic> Complaints(const Trial& trial, bool bad = false) {
  static const std::set<std::string> kFormCodes = {"E0101", "E0103", "E0104", "E0110", "E0112", "E0201",
                                                   "E0202", "E0203", "E0204", "E0205", "E0206", "E0501"};
  const LoadResult loaded = LoadPipelineText(trial.text, "x", {[](const std::string&) { return std::nullopt; }, ""});
  std::vector<Diagnostic> out;
  for (const Diagnostic& d : loaded.diagnostics.Sorted()) {
    const bool here = d.span.begin >= trial.value.begin && d.span.begin < trial.value.end;
    const bool key = (d.code == "E0101" || (bad && d.code == "E0305")) && d.span.begin.line == 1;
    if ((here && kFormCodes.contains(d.code)) || key) out.push_back(d);
  }
  return out;
}

std::vector<std::string> WordsOf(const std::vector<Shape>& alternatives) {
  std::vector<std::string> words;
  for (const Shape& shape : alternatives) {
    const std::vector<std::string> inner = WordsOf(shape.inner);
    if (shape.kind == Shape::Kind::kWord) words.push_back(shape.text);
    words.insert(words.end(), inner.begin(), inner.end());
  }
  return words;
}

bool WordsOnly(const std::vector<Shape>& alternatives) {
  return std::all_of(alternatives.begin(), alternatives.end(), [](const Shape& s) {
    return s.kind == Shape::Kind::kWord || (s.kind == Shape::Kind::kOneOrList && WordsOnly(s.inner));
  });
}

std::string Shown(const std::vector<Diagnostic>& found) {
  std::string text;
  for (const Diagnostic& d : found) text += d.code + " " + d.message + "\n";
  return text;
}

TEST(LanguageTest, TheCheckerTakesWhatTheTableSays) {
  int keys = 0;
  for (const Section& section : Sections()) {
    for (const Key& key : section.keys) {
      if (key.name == "*") continue;
      ++keys;
      const std::vector<Shape> shape = ParseShape(key.shape);
      const Samples samples = SamplesOf(shape);
      for (const std::string& good : samples.good) {
        const Trial trial = Try(section, key, good);
        EXPECT_EQ(Shown(Complaints(trial)), "") << section.name << "." << key.name << "\n" << trial.text;
      }
      for (const std::string& bad : samples.bad) {
        const Trial trial = Try(section, key, bad);
        const std::vector<Diagnostic> found = Complaints(trial, true);
        EXPECT_FALSE(found.empty()) << section.name << "." << key.name << " takes " << bad << "\n" << trial.text;
        if (found.empty() || !WordsOnly(shape) || bad == "{}") continue;
        EXPECT_THAT(found.back().notes, testing::ElementsAre(KnownNames(WordsOf(shape)))) << section.name << key.name;
      }
    }
  }
  EXPECT_GE(keys, 90);
}

TEST(LanguageTest, OtherKeysAreRefused) {
  for (const Section& section : Sections()) {
    if (section.name == "record" || section.name == "client") continue;  // other names
    const std::string_view form = section.one_of.substr(0, section.one_of.find(' '));
    const Trial trial = Try(section, {"nosuchkey", "text", "", "", form}, "x");
    EXPECT_THAT(Shown(Complaints(trial)), testing::HasSubstr("E0101 unknown key 'nosuchkey'")) << trial.text;
  }
}

TEST(LanguageTest, EverythingHasItsMeaning) {
  for (const Section& section : Sections()) {
    for (const Key& key : section.keys) {
      EXPECT_FALSE(key.meaning.empty()) << section.name << "." << key.name;
      EXPECT_EQ(key.meaning.find('|'), std::string_view::npos) << section.name << "." << key.name;
    }
  }
  for (const Aggregate* aggregate : Aggregates()) EXPECT_FALSE(aggregate->meaning.empty()) << aggregate->name;
  for (const ExpressionFunction& function : ExpressionFunctions()) {
    EXPECT_FALSE(function.meaning.empty()) << function.name;
  }
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void ExpectFile(const std::string& name, const std::string& wanted) {
  const std::string path = std::string(EBB_SOURCE_DIR) + "/docs/" + name;
  if (std::getenv("EBB_UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << wanted;
  EXPECT_TRUE(ReadFile(path) == wanted) << "EBB_UPDATE_GOLDEN=1 config_test --gtest_filter='Language*' writes " << path;
}

TEST(LanguageTest, TheReferencePage) {
  const std::string page = ReadFile(EBB_SOURCE_DIR "/docs/pipeline.md");
  for (const Section& section : Sections()) {
    EXPECT_NE(page.find(fmt::format("\n<!-- keys: {} -->\n", section.name)), std::string::npos) << section.name;
  }
  for (std::string_view table : {"aggregates", "functions", "error codes"}) {
    EXPECT_NE(page.find(fmt::format("\n<!-- {} -->\n", table)), std::string::npos) << table;
  }
  ExpectFile("pipeline.md", WithReferenceTables(page));
}

TEST(LanguageTest, TheSchema) { ExpectFile("pipeline.schema.json", PipelineSchema()); }

}  // namespace
}  // namespace ebb
