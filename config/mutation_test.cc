// 2,000 slips of the pen in the shipped pipelines: a line deleted, swapped with its neighbour or doubled, a name
// misspelled, a quote or an indentation broken. Each file is taken, or refused with sentences whose places lie in it,
// and on the line of the slip where that can be judged. EBB_TEST_LONG makes it 40,000.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/error_codes.h"
#include "config/explain.h"
#include "config/pipeline.h"
#include "engine/base/random.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

constexpr int kEdits = 2000;
constexpr int kLongEdits = 40000;

struct Shipped {
  std::string name, text, fingerprint;
};

LoadResult Load(const std::string& text, const std::string& name) {
  const auto environment = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  return LoadPipelineText(text, name, {environment, EBB_SOURCE_DIR "/config/pipelines"});
}

std::vector<Shipped> ShippedPipelines() {
  std::vector<Shipped> all;
  for (const auto& entry : fs::directory_iterator(EBB_SOURCE_DIR "/config/pipelines")) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    all.push_back({entry.path().filename().string(), text.str(), ""});
  }
  std::sort(all.begin(), all.end(), [](const Shipped& a, const Shipped& b) { return a.name < b.name; });
  return all;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// A slip: what was done, in which line (from 1), and the word that was misspelled.
struct Slip {
  std::string what;
  int line = 0;
  std::string old_word, new_word;
};

// The words of a line outside its comment, each with its place.
std::vector<std::pair<size_t, std::string>> WordsOf(const std::string& line) {
  std::vector<std::pair<size_t, std::string>> words;
  const size_t comment = std::min(line.find('#'), line.size());
  for (size_t i = 0; i < comment;) {
    size_t end = i;
    while (end < comment && IsWord(line[end])) ++end;
    if (end - i >= 3 && std::isalpha(static_cast<unsigned char>(line[i])) != 0) {
      words.emplace_back(i, line.substr(i, end - i));
    }
    i = std::max(end, i + 1);
  }
  return words;
}

void Misspell(Random* random, std::string* line, Slip* slip) {
  const auto words = WordsOf(*line);
  if (words.empty()) return;
  const auto& [at, word] = words[random->Below(words.size())];
  std::string other = word;
  const size_t i = random->Below(other.size() - 1);
  switch (random->Below(3)) {
    case 0:
      std::swap(other[i], other[i + 1]);
      break;
    case 1:
      other.erase(i, 1);
      break;
    default:
      other.insert(i, 1, static_cast<char>('a' + random->Below(26)));
  }
  line->replace(at, word.size(), other);
  slip->old_word = word;
  slip->new_word = other;
}

// Takes away one of the quotes, brackets or commas of the line.
void BreakMark(Random* random, std::string* line) {
  std::vector<size_t> marks;
  for (size_t i = 0; i < std::min(line->find('#'), line->size()); ++i) {
    if (std::string_view("\"'{}[],:").find((*line)[i]) != std::string_view::npos) marks.push_back(i);
  }
  if (!marks.empty()) line->erase(marks[random->Below(marks.size())], 1);
}

Slip MakeSlip(Random* random, std::vector<std::string>* lines) {
  const size_t at = random->Below(lines->size());
  std::string* line = &(*lines)[at];
  Slip slip{"", static_cast<int>(at) + 1, "", ""};
  switch (random->Below(6)) {
    case 0:
      slip.what = "deleted";
      lines->erase(lines->begin() + static_cast<long>(at));
      break;
    case 1:
      slip.what = "swapped";
      if (at + 1 < lines->size()) std::swap((*lines)[at], (*lines)[at + 1]);
      break;
    case 2:
      slip.what = "doubled";
      lines->insert(lines->begin() + static_cast<long>(at), *line);
      break;
    case 3:
      slip.what = "mark removed";
      BreakMark(random, line);
      break;
    case 4:
      slip.what = "indented";
      if (random->Below(2) == 0 && line->starts_with(' ')) {
        line->erase(0, 1);
      } else {
        line->insert(0, 1, random->Below(8) == 0 ? '\t' : ' ');
      }
      break;
    default:
      slip.what = "misspelled";
      Misspell(random, line, &slip);
  }
  return slip;
}

size_t CharactersOf(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// What is wrong with the answer to a slip; empty when it is fine.
std::string Judge(const Slip& slip, const std::vector<std::string>& lines, const Diagnostics& diagnostics) {
  bool near = false;
  for (const Diagnostic& d : diagnostics.Sorted()) {
    if (d.message.empty() || FindErrorCode(d.code) == nullptr) return "an error without a sentence";
    const auto line = static_cast<size_t>(d.span.begin.line);
    if (line == 0) return "an error of the file as a whole: " + d.message;
    if (line > lines.size() + 1) return fmt::format("line {} of {}: {}", line, lines.size(), d.message);
    const std::string text = line <= lines.size() ? lines[line - 1] : "";
    if (static_cast<size_t>(d.span.begin.column) > CharactersOf(text) + 1) {
      return fmt::format("column {} behind the end of line {}: {}", d.span.begin.column, line, d.message);
    }
    const bool named = !slip.old_word.empty() && text.find(slip.old_word) != std::string::npos;
    near = near || d.span.begin.line == slip.line || named;
    if (d.code == "E0005" && slip.what == "mark removed" && d.span.begin.line != slip.line) {
      return fmt::format("the open quote is looked for in line {}", line);
    }
    // Whatever YAML can't read stands where the slip is, or is noticed behind it.
    if (d.code == "E0006" && d.span.begin.line < slip.line - 1) return fmt::format("E0006 in line {}", line);
  }
  if (slip.what == "misspelled" && !diagnostics.empty() && !near) return "no error where the word stands";
  return "";
}

TEST(MutationTest, SlipsOfThePen) {
  std::vector<Shipped> shipped = ShippedPipelines();
  ASSERT_GE(shipped.size(), 3u);
  for (Shipped& file : shipped) {
    const LoadResult loaded = Load(file.text, file.name);
    ASSERT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
    file.fingerprint = loaded.pipeline->plan.fingerprint;
  }
  std::map<std::string, int> taken, same, refused;
  const int edits = std::getenv("EBB_TEST_LONG") != nullptr ? kLongEdits : kEdits;
  for (int seed = 1; seed <= edits; ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const Shipped& file = shipped[random.Below(shipped.size())];
    std::vector<std::string> lines = LinesOf(file.text);
    const Slip slip = MakeSlip(&random, &lines);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    const LoadResult loaded = Load(text, file.name);
    ASSERT_EQ(loaded.pipeline.has_value(), loaded.diagnostics.empty()) << "seed " << seed;
    const std::string problem = Judge(slip, lines, loaded.diagnostics);
    EXPECT_EQ(problem, "") << "seed " << seed << ": " << file.name << ", line " << slip.line << " " << slip.what << " "
                           << slip.old_word << " " << slip.new_word << "\n"
                           << RenderText(loaded.diagnostics);
    EXPECT_FALSE(RenderJson(loaded.diagnostics).empty());
    if (!loaded.pipeline) {
      ++refused[slip.what];
      continue;
    }
    EXPECT_EQ(loaded.pipeline->plan.fingerprint.size(), 16u) << "seed " << seed;
    EXPECT_FALSE(ExplainPipeline(*loaded.pipeline).empty());
    ++(loaded.pipeline->plan.fingerprint == file.fingerprint ? same : taken)[slip.what];
  }
  for (const char* what : {"deleted", "swapped", "doubled", "mark removed", "indented", "misspelled"}) {
    fmt::print("{:<14} {:>5} refused, {:>5} with another meaning, {:>5} with the same\n", what, refused[what],
               taken[what], same[what]);
    EXPECT_GT(refused[what], 0) << what;
  }
}

}  // namespace
}  // namespace ebb
