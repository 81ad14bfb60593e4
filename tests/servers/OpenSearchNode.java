import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.plugins.Plugin;

/** One OpenSearch node in this process, with the ordinary distribution's modules and more plugins: CONFIG [PLUGIN CLASS...]. */
public class OpenSearchNode {
    static final List<String> MODULES = List.of(
        "org.opensearch.analysis.common.CommonAnalysisModulePlugin",
        "org.opensearch.index.mapper.MapperExtrasModulePlugin",
        "org.opensearch.index.reindex.ReindexModulePlugin",
        "org.opensearch.ingest.common.IngestCommonModulePlugin",
        "org.opensearch.painless.PainlessModulePlugin",
        "org.opensearch.transport.Netty4ModulePlugin");

    public static void main(String[] args) throws Exception {
        var config = Path.of(args[0]).toAbsolutePath();
        var names = new ArrayList<>(MODULES);
        names.addAll(List.of(args).subList(1, args.length));
        var plugins = new ArrayList<Class<? extends Plugin>>();
        for (var name : names) {
            plugins.add(Class.forName(name).asSubclass(Plugin.class));
        }
        var home = Settings.builder().put("path.home", config.getParent().toString()).build();
        var environment = InternalSettingsPreparer.prepareEnvironment(home, Map.of(), config, () -> "hangu-tests");
        new OpenSearchRunnerNode(environment, plugins).start();
        new CountDownLatch(1).await();
    }
}
