package tandem.stubs;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;

/**
 * {@code ADDRESS TOKEN_FILE SUITE_FILE...}: runs the contract suite through the generated Java clients.
 *
 * <p>One line per call that fails, then {@code N passed, M failed}.
 */
public final class RunSuite {
  private final Clients clients;
  private final Expect expect = new Expect();
  private int passed;
  private int failed;

  private RunSuite(Clients clients) {
    this.clients = clients;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 3) {
      System.err.println("usage: RunSuite ADDRESS TOKEN_FILE SUITE_FILE...");
      System.exit(2);
    }
    RunSuite run;
    try (Clients clients = new Clients(arguments[0], Files.readString(Path.of(arguments[1])).strip())) {
      run = new RunSuite(clients);
      for (String file : List.of(arguments).subList(2, arguments.length)) {
        run.file(Path.of(file));
      }
    }
    System.out.printf("%d passed, %d failed%n", run.passed, run.failed);
    System.exit(run.failed > 0 || run.passed == 0 ? 1 : 0);
  }

  private void file(Path file) throws Exception {
    for (JsonElement each : JsonParser.parseString(Files.readString(file)).getAsJsonObject().getAsJsonArray("calls")) {
      JsonObject row = each.getAsJsonObject();
      String wrong;
      try {
        wrong = trouble(row);
      } catch (IllegalStateException | java.io.IOException error) {
        wrong = error.toString();
      }
      if (wrong == null) {
        passed++;
        continue;
      }
      failed++;
      String call = row.get("call").getAsString();
      System.out.printf("%s: %s: %s: %s%n", file.getFileName(), call, row.get("about").getAsString(), wrong);
    }
  }

  /** What is wrong with the answer to a row's call; null if nothing is. */
  private String trouble(JsonObject row) throws Exception {
    JsonArray requests = row.getAsJsonArray("requests");
    if (requests == null) {
      requests = new JsonArray();
      requests.add(row.get("request"));
    }
    JsonArray sent = expect.fill(requests).getAsJsonArray();
    List<Message> answers;
    try {
      answers = clients.ask(row.get("call").getAsString(), sent, !row.has("withoutToken"));
    } catch (ExecutionException error) {
      if (!row.has("error")) {
        return "refused: " + Clients.refusal(error.getCause()) + " " + error.getCause().getMessage();
      }
      JsonObject expected = row.getAsJsonObject("error").deepCopy();
      expected.addProperty("domain", "tandem");
      return expect.difference(expected, Clients.refusal(error.getCause()), "error");
    }
    if (row.has("error")) {
      return "expected " + row.get("error") + ", found an answer";
    }
    if (row.has("answer")) {
      return expect.difference(row.get("answer"), Clients.merged(answers), "answer");
    }
    JsonArray found = new JsonArray();
    for (Message answer : answers) {
      found.add(Clients.json(answer));
    }
    return expect.difference(row.get("answers"), found, "answers");
  }
}
