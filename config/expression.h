// The expression language of the pipeline file: text to syntax tree. Every node knows which characters it stands for,
// so that later errors can point into the expression. Typing and compilation are in expression_compile.h.
//
//   or:       and ("or" and)*                     lowest
//   and:      not ("and" not)*
//   not:      "not" not | comparison
//   comparison: sum (< <= > >= == != sum | "in" "(" sum, ... ")")?     comparisons don't chain
//   sum:      product (+ - product)*
//   product:  sign (* / sign)*
//   sign:     "-" sign | primary
//   primary:  number | duration | 'text' | true | false | null | name | name "(" or, ... ")" | "(" or ")"
//   name:     word ("." word)?                    with a point: a field of a reference source
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stream/time.h"

namespace ebb {

inline constexpr size_t kMaxExpressionBytes = 4096;
inline constexpr int kMaxExpressionDepth = 64;

enum class ExprKind : uint8_t {
  kNumber,
  kDuration,
  kText,
  kBool,
  kNullLiteral,
  kName,
  kNegate,
  kNot,  // one child
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,  // two children
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kAnd,
  kOr,
  kIn,    // the value, then the list
  kCall,  // the arguments
};

struct ExprNode {
  ExprKind kind = ExprKind::kNullLiteral;
  size_t begin = 0, end = 0;  // bytes of the expression
  double number = 0;          // kNumber; kBool as 1 or 0; kDuration in milliseconds
  std::string text;           // kText, kName; kCall: the function's name
  std::vector<int> children;  // indexes of nodes
};

// Children stand before their parents. Immutable after construction.
struct Expression {
  std::string source;
  std::vector<ExprNode> nodes;
  int root = -1;  // -1: there were errors

  std::string_view SourceOf(int node) const {
    return std::string_view(source).substr(nodes[node].begin, nodes[node].end - nodes[node].begin);
  }
};

// An error inside an expression: the bytes [begin, end) of its source.
struct ExpressionIssue {
  std::string_view code;
  size_t begin = 0, end = 0;
  std::string message;
  std::string hint;
  std::vector<std::string> notes;
};

// Reads the text; stops at the first error, which is added to `issues`.
Expression ParseExpression(std::string_view text, std::vector<ExpressionIssue>* issues);

// Words that can't be names: those of the language, its functions, tenure and now.
bool IsReservedWord(std::string_view word);

}  // namespace ebb
