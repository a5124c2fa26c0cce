// Commands at the first word, options after a hyphen, known words or files elsewhere.
#include "cli/completion.h"

#include <fmt/format.h>

namespace ebb {
namespace {

template <typename Items, typename ToText>
std::string Spaced(const Items& items, const ToText& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : " ") + std::string(text(item));
  return out;
}

std::string BashScript(const std::vector<CommandHelp>& commands) {
  std::string cases;
  for (const CommandHelp& command : commands) {
    cases += fmt::format("    {}) options='{}' words='{}' or_files={:d} ;;\n", command.name,
                         Spaced(command.options, [](const auto& option) { return option.name; }),
                         Spaced(command.words, [](const auto& word) { return word; }), command.or_files);
  }
  return fmt::format(R"(# Completion of ebb for bash: source <(ebb completion bash)
_ebb() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} options= words= or_files=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '{}' -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $words ]] && ((COMP_CWORD == 2)); then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    ((or_files)) || return
    COMPREPLY+=($(compgen -f -- "$current"))
  else
    [[ $current == = ]] && current=
    local IFS=$'\n'
    COMPREPLY=($(compgen -f -- "$current"))
    compopt -o filenames 2>/dev/null
  fi
}}
complete -F _ebb ebb
)",
                     Spaced(commands, [](const auto& command) { return command.name; }), cases);
}

// In single quotes, with the colon escaped that separates a word from its description.
std::string ZshItem(const std::string& name, const std::string& text) {
  std::string item = name + ":";
  for (char c : text) {
    if (c == '\'') {
      item += "'\\''";
    } else if (c == ':') {
      item += "\\:";
    } else {
      item += c;
    }
  }
  return "'" + item + "'";
}

std::string ZshScript(const std::vector<CommandHelp>& commands) {
  std::string cases;
  for (const CommandHelp& command : commands) {
    cases += fmt::format("    {}) options=({}) words_of=({}) or_files={:d} ;;\n", command.name,
                         Spaced(command.options, [](const auto& option) { return ZshItem(option.name, option.text); }),
                         Spaced(command.words, [](const auto& word) { return word; }), command.or_files);
  }
  return fmt::format(R"(#compdef ebb
# Completion of ebb for zsh: source <(ebb completion zsh)
_ebb() {{
  local -a commands options words_of
  local or_files=0
  commands=({})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
{}  esac
  if [[ $PREFIX == -* ]]; then
    _describe option options
  elif (( $#words_of && CURRENT == 3 )); then
    _describe word words_of
    (( or_files )) && _files
  else
    _files
  fi
}}
compdef _ebb ebb
)",
                     Spaced(commands, [](const auto& command) { return ZshItem(command.name, command.text); }), cases);
}

}  // namespace

std::string CompletionScript(std::string_view shell, const std::vector<CommandHelp>& commands) {
  if (shell == "bash") return BashScript(commands);
  if (shell == "zsh") return ZshScript(commands);
  return "";
}

}  // namespace ebb
