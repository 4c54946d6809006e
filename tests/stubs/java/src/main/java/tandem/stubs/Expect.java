package tandem.stubs;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Compares an answer with what the suite expects; tests/stubs/README.md says what each mark means. */
final class Expect {
  private static final String NOTHING_ELSE = "<nothing else>";
  private static final Pattern NAME = Pattern.compile("<([a-z0-9_]+)>");
  private static final Pattern MARK = Pattern.compile("<(keep|not|has) (.+)>");

  /** What earlier answers gave, by name. */
  private final Map<String, String> kept;

  Expect() {
    this(new HashMap<>());
  }

  private Expect(Map<String, String> kept) {
    this.kept = kept;
  }

  /** The value with every {@code <name>} replaced by what was kept under that name. */
  JsonElement fill(JsonElement value) {
    if (value instanceof JsonObject object) {
      JsonObject filled = new JsonObject();
      object.entrySet().forEach(each -> filled.add(each.getKey(), fill(each.getValue())));
      return filled;
    }
    if (value instanceof JsonArray list) {
      JsonArray filled = new JsonArray();
      list.forEach(each -> filled.add(fill(each)));
      return filled;
    }
    return isText(value) ? new JsonPrimitive(fill(value.getAsString())) : value;
  }

  private String fill(String text) {
    return NAME.matcher(text).replaceAll(found -> Matcher.quoteReplacement(lookUp(found.group(1))));
  }

  private String lookUp(String name) {
    String known = kept.get(name);
    if (known == null) {
      throw new IllegalStateException("nothing was kept as " + name);
    }
    return known;
  }

  /** What differs, as one line; null if nothing does. {@code found} is null where the answer has no such member. */
  String difference(JsonElement expected, JsonElement found, String at) {
    if (expected instanceof JsonNull || found == null) {
      return expected instanceof JsonNull && found == null ? null : unlike(expected, found, at);
    }
    if (expected instanceof JsonObject object) {
      return objectDifference(object, found, at);
    }
    if (expected instanceof JsonArray list) {
      return listDifference(list, found, at);
    }
    boolean agrees = isText(expected) ? textAgrees(expected.getAsString(), found) : expected.equals(found);
    return agrees ? null : unlike(expected, found, at);
  }

  private String objectDifference(JsonObject expected, JsonElement found, String at) {
    if (!(found instanceof JsonObject object)) {
      return unlike(expected, found, at);
    }
    if (expected.has(NOTHING_ELSE)) {
      for (String key : object.keySet()) {
        if (!expected.has(key)) {
          return at + ": found also " + key;
        }
      }
    }
    for (Map.Entry<String, JsonElement> each : expected.entrySet()) {
      String key = each.getKey();
      String differs = key.equals(NOTHING_ELSE) ? null : difference(each.getValue(), object.get(key), at + "." + key);
      if (differs != null) {
        return differs;
      }
    }
    return null;
  }

  private String listDifference(JsonArray expected, JsonElement found, String at) {
    if (!(found instanceof JsonArray list)) {
      return unlike(expected, found, at);
    }
    String mark = !expected.isEmpty() && isText(expected.get(0)) ? expected.get(0).getAsString() : "";
    if (mark.equals("<each>") || mark.equals("<some>")) {
      JsonArray wanted = expected.deepCopy();
      wanted.remove(0);
      return unorderedDifference(wanted, list, at, mark.equals("<each>"));
    }
    if (expected.size() != list.size()) {
      return unlike(expected, found, at);
    }
    for (int index = 0; index < expected.size(); index++) {
      String differs = difference(expected.get(index), list.get(index), at + "[" + index + "]");
      if (differs != null) {
        return differs;
      }
    }
    return null;
  }

  private String unorderedDifference(JsonArray expected, JsonArray found, String at, boolean whole) {
    if (whole && expected.size() != found.size()) {
      return unlike(expected, found, at);
    }
    JsonArray left = found.deepCopy();
    for (JsonElement value : expected) {
      int index = indexOf(value, left);
      if (index < 0) {
        return unlike(value, left, at);
      }
      left.remove(index);
    }
    return null;
  }

  /** The first element that is as expected, or -1. Only that one keeps anything. */
  private int indexOf(JsonElement expected, JsonArray list) {
    for (int index = 0; index < list.size(); index++) {
      Expect attempt = new Expect(new HashMap<>(kept));
      if (attempt.difference(expected, list.get(index), "") == null) {
        kept.putAll(attempt.kept);
        return index;
      }
    }
    return -1;
  }

  private boolean textAgrees(String expected, JsonElement found) {
    if (expected.equals("<any>")) {
      return !isEmpty(found);
    }
    if (!isText(found)) {
      return false;
    }
    String text = found.getAsString();
    Matcher mark = MARK.matcher(expected);
    if (!mark.matches()) {
      return text.equals(fill(expected));
    }
    String rest = mark.group(2);
    return switch (mark.group(1)) {
      case "keep" -> {
        kept.put(rest, text);
        yield !text.isEmpty();
      }
      case "not" -> !text.isEmpty() && !text.equals(lookUp(rest));
      default -> text.contains(rest);
    };
  }

  private static boolean isText(JsonElement value) {
    return value instanceof JsonPrimitive primitive && primitive.isString();
  }

  private static boolean isEmpty(JsonElement value) {
    return isText(value) && value.getAsString().isEmpty()
        || value instanceof JsonArray list && list.isEmpty()
        || value instanceof JsonObject object && object.size() == 0;
  }

  private static String unlike(JsonElement expected, JsonElement found, String at) {
    return at + ": expected " + expected + ", found " + found;
  }
}
