// Reads policies as `PUT _ilm/policy/NAME` does, with the classes of the server itself, and prints the steps that it makes of each.
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.ParseField;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentFactory;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.XContentType;
import org.elasticsearch.xpack.core.ilm.*;
import org.elasticsearch.xpack.core.ilm.action.PutLifecycleRequest;

public class PolicyCheck {
  public static void main(String[] arguments) throws Exception {
    LogConfigurator.configureESLogging();
    var registry = new NamedXContentRegistry(List.of(
        new NamedXContentRegistry.Entry(LifecycleType.class, new ParseField(TimeseriesLifecycleType.TYPE), p -> TimeseriesLifecycleType.INSTANCE),
        new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(RolloverAction.NAME), RolloverAction::parse),
        new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(SetPriorityAction.NAME), SetPriorityAction::parse),
        new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(ForceMergeAction.NAME), ForceMergeAction::parse),
        new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(DeleteAction.NAME), DeleteAction::parse)));
    var configuration = XContentParserConfiguration.EMPTY.withRegistry(registry);
    Map<String, Object> policies;
    try (var parser = XContentType.JSON.xContent().createParser(configuration, System.in)) {
      policies = parser.map();
    }
    for (var each : policies.entrySet()) {
      XContentBuilder body = XContentFactory.jsonBuilder().value(each.getValue());
      var text = Strings.toString(body);
      try (var parser = XContentType.JSON.xContent().createParser(configuration, text)) {
        var name = each.getKey();
        var request = PutLifecycleRequest.parseRequest(
            new PutLifecycleRequest.Factory() {
              public PutLifecycleRequest create(LifecyclePolicy policy) {
                return new PutLifecycleRequest(TimeValue.ZERO, TimeValue.ZERO, policy);
              }
              public String getPolicyName() {
                return name;
              }
            },
            parser);
        var problem = request.validate();
        if (problem != null) throw problem;
        var policy = request.getPolicy();
        policy.validate();
        LifecyclePolicy.validatePolicyName(name);
        var order = TimeseriesLifecycleType.validateMonotonicallyIncreasingPhaseTimings(policy.getPhases().values());
        if (order != null && !order.isEmpty()) throw new IllegalArgumentException(order);
        var steps = policy.toSteps(null, null).stream()
            .map(step -> step.getKey().phase() + "/" + step.getKey().action() + "/" + step.getKey().name())
            .collect(Collectors.joining(" "));
        System.out.println(name + ": " + steps);
      }
    }
  }
}
