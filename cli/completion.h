// Shell completion, generated from the command line's own definition so that the two can't drift apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ebb {

// Immutable after construction.
struct CommandHelp {
  struct Option {
    std::string name;  // "--state"
    std::string text;
  };
  std::string name;
  std::string text;
  std::vector<Option> options;
  std::vector<std::string> words;  // what its first argument may be; empty: files
  bool or_files = false;           // or one of these words, or a file
};

// A script for "bash" or "zsh"; empty for another shell.
std::string CompletionScript(std::string_view shell, const std::vector<CommandHelp>& commands);

}  // namespace ebb
