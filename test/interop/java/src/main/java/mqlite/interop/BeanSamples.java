package mqlite.interop;

import java.lang.reflect.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;

/** Beans of RocketMQ's with a value in every field, and what those values are, as JSON that no library of RocketMQ's has printed. */
final class BeanSamples {
    /** Counts on, so that no two fields have the same value. */
    private int next = 1;

    Object fill(Class<?> type) throws Exception {
        Constructor<?> constructor = Arrays.stream(type.getDeclaredConstructors()).min(Comparator.comparingInt(Constructor::getParameterCount)).get();
        constructor.setAccessible(true);
        Class<?>[] parameters = constructor.getParameterTypes();
        Object[] arguments = new Object[parameters.length];
        for (int index = 0; index < parameters.length; index++) arguments[index] = parameters[index].isPrimitive() ? value(parameters[index], "argument") : null;
        Object bean = constructor.newInstance(arguments);
        for (Field field : fieldsOf(type)) field.set(bean, value(field.getGenericType(), nameOf(field)));
        return bean;
    }

    static List<Field> fieldsOf(Class<?> type) {
        List<Field> fields = new ArrayList<>();
        for (Class<?> at = type; at != null && at != Object.class; at = at.getSuperclass()) {
            for (Field field : at.getDeclaredFields()) {
                int modifiers = field.getModifiers();
                if (Modifier.isStatic(modifiers) || Modifier.isTransient(modifiers) || field.getType() == Random.class) continue;
                field.setAccessible(true);
                fields.add(field);
            }
        }
        return fields;
    }

    /** The name under which beans are printed: a getter of `isWithoutSub` is the property `withoutSub`. */
    static String nameOf(Field field) {
        String name = field.getName();
        return name.length() > 2 && name.startsWith("is") && Character.isUpperCase(name.charAt(2)) ? Character.toLowerCase(name.charAt(2)) + name.substring(3) : name;
    }

    Object value(Type type, String name) throws Exception {
        int number = next++;
        if (type == String.class) return name + "-" + number + " \"q\" \\ / \u00e9\u4e2d\ud83d\ude00 \u0001v\u0002";
        if (type == int.class || type == Integer.class) return number % 2 == 0 ? number : -number;
        if (type == long.class || type == Long.class) return (number % 2 == 0 ? 1L : -1L) * (1_800_000_000_000L + number);
        if (type == double.class || type == Double.class) return number + 0.25;
        if (type == boolean.class || type == Boolean.class) return number % 3 != 0;
        if (type == AtomicLong.class) return new AtomicLong(number);
        if (type == long[].class) return new long[] {number, 2L * number};
        if (type == Properties.class) {
            Properties properties = new Properties();
            properties.setProperty(name + ".a", "value " + number);
            return properties;
        }
        if (type instanceof Class && ((Class<?>) type).isEnum()) {
            Object[] constants = ((Class<?>) type).getEnumConstants();
            return constants[constants.length - 1];
        }
        if (type instanceof ParameterizedType) return container((ParameterizedType) type, name);
        return fill((Class<?>) type);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private Object container(ParameterizedType type, String name) throws Exception {
        Class<?> raw = (Class<?>) type.getRawType();
        Type[] arguments = type.getActualTypeArguments();
        if (Map.class.isAssignableFrom(raw)) {
            Map map = raw == TreeMap.class ? new TreeMap() : raw == HashMap.class || raw == Map.class ? new HashMap() : new ConcurrentHashMap();
            for (int count = 0; count < 2; count++) map.put(value(arguments[0], "key"), value(arguments[1], name));
            return map;
        }
        Collection items = raw == TreeSet.class ? new TreeSet() : Set.class.isAssignableFrom(raw) ? new HashSet() : new ArrayList();
        for (int count = 0; count < 2; count++) items.add(value(arguments[0], name));
        return items;
    }

    /** Maps from numbers are {"$map":[[key,value]…]}, from objects [[key,value]…], all others objects. */
    static String json(Object value) throws Exception {
        if (value == null) return "null";
        if (value instanceof String || value instanceof Enum) return quote(value.toString());
        if (value instanceof Number || value instanceof Boolean) return value.toString();
        if (value instanceof long[]) return Arrays.toString((long[]) value).replace(" ", "");
        StringJoiner out;
        if (value instanceof Collection) {
            out = new StringJoiner(",", "[", "]");
            for (Object item : (Collection<?>) value) out.add(json(item));
        } else if (value instanceof Map) {
            out = mapJson((Map<?, ?>) value);
        } else {
            out = new StringJoiner(",", "{", "}");
            for (Field field : fieldsOf(value.getClass())) out.add(quote(nameOf(field)) + ":" + json(field.get(value)));
        }
        return out.toString();
    }

    private static StringJoiner mapJson(Map<?, ?> map) throws Exception {
        Object first = map.isEmpty() ? "" : map.keySet().iterator().next();
        boolean ofTexts = first instanceof String;
        StringJoiner out = ofTexts ? new StringJoiner(",", "{", "}") : first instanceof Number ? new StringJoiner(",", "{\"$map\":[", "]}") : new StringJoiner(",", "[", "]");
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.add(ofTexts ? quote((String) entry.getKey()) + ":" + json(entry.getValue()) : "[" + json(entry.getKey()) + "," + json(entry.getValue()) + "]");
        }
        return out;
    }

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte b : bytes) out.append(String.format("%02x", b));
        return out.toString();
    }
}
